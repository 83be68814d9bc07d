package cli

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
)

type noticesCorrectCmd struct {
	Key      string   `name:"run" required:"" placeholder:"KEY" help:"The wrong run."`
	Accounts []string `name:"account" placeholder:"ID" help:"Only what it told of this account; may be repeated."`
	doer
}

func (k noticesCorrectCmd) Run(ctx context.Context, a *app.App) error {
	c, err := a.Auditor.Operate.Correct(ctx, k.Key, k.who(a.Env), k.Why, k.Accounts...)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("run %s had mailed %s; %s\n", k.Key, report.Number(c.Told, "notice", "notices"),
		report.Number(c.Written, "correction is queued", "corrections are queued"))
	if c.Withdrawn > 0 {
		text += fmt.Sprintf("%s had not left and will not\n", report.Number(c.Withdrawn, "notice", "notices"))
	}
	if c.Held > 0 {
		text += fmt.Sprintf("%s of it still held: mailaudit notices discard --run %s --provider NAME --by WHO\n", report.Number(c.Held, "notice is", "notices are"), k.Key)
	}
	_, err = fmt.Fprint(a.Env.Stdout, text)
	return err
}
