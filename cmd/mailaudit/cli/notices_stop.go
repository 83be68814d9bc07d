package cli

import (
	"context"
	"fmt"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
)

type noticesStopCmd struct{ doer }

func (k noticesStopCmd) Run(ctx context.Context, a *app.App) error {
	if err := a.Auditor.Operate.StopMails(ctx, k.who(a.Env), k.Why); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.Env.Stdout, "no customer mail leaves from now on; mailaudit notices start lets them leave again")
	return err
}

type noticesStartCmd struct{ doer }

func (k noticesStartCmd) Run(ctx context.Context, a *app.App) error {
	was, err := a.Store.Setting(ctx, audit.SettingStopped)
	if err != nil {
		return err
	}
	if was == "" {
		_, err = fmt.Fprintln(a.Env.Stdout, "mails are not stopped")
		return err
	}
	if err := a.Auditor.Operate.StartMails(ctx, k.who(a.Env), k.Why); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Env.Stdout, "customer mails leave again; they were stopped %s\n", was)
	return err
}
