package cli

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/doctor"
)

type doctorCmd struct{}

// Run checks everything that a night needs. It stores one row of its own, opens secrets without sending one,
// and mails and posts nothing.
func (doctorCmd) Run(ctx context.Context, g *app.Globals, s *app.Setup) error {
	d := &doctor.Doctor{Setup: s, ConfigPath: g.Config, Out: s.Env.Stdout}
	d.Examine(ctx)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if d.Failures > 0 {
		return fmt.Errorf("%s failed; each line that begins with FAIL ends with the fix", app.HowMany(d.Failures, "check"))
	}
	return nil
}
