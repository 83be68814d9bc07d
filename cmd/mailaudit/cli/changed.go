package cli

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/report"
)

// changed verifies what customers have repaired since the last run. It makes no run and leaves the field to
// one that is at work.
func (r *runCmd) changed(ctx context.Context, a *app.App) error {
	open, err := a.Store.ListRuns(ctx, 1, true)
	if err != nil {
		return err
	}
	if len(open) == 1 && a.Store.WorkedOn(open[0], a.Now()) {
		fmt.Fprintf(a.Env.Stdout, "run %s is at work; it asks the changed accounts itself\n", open[0].Key)
		return nil
	}
	unlock, err := app.LockStore(ctx, a.Store, false)
	if errors.Is(err, app.ErrLocked) {
		fmt.Fprintln(a.Env.Stdout, "another mailaudit works on this database; nothing was asked")
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	did, err := a.Auditor.Operate.Changed(ctx, r.scope())
	if err != nil {
		return err
	}
	sent, failed := a.SendGoodNews(ctx)
	_, err = fmt.Fprintf(a.Env.Stdout, "%s with a changed secret verified: %d recovered, %d not accepted; %s\n", report.Number(did.Asked, "account", "accounts"),
		did.Recovered, did.Refused, report.Number(sent, "mail sent", "mails sent"))
	return errors.Join(failed, err)
}
