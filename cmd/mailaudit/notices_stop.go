package main

import (
	"context"
	"fmt"

	"mailaudit/audit"
)

type noticesStopCmd struct{ doer }

func (k noticesStopCmd) Run(ctx context.Context, a *app) error {
	if err := a.auditor.StopMails(ctx, k.who(a.around), k.Why); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.around.stdout, "no customer mail leaves from now on; mailaudit notices start lets them leave again")
	return err
}

type noticesStartCmd struct{ doer }

func (k noticesStartCmd) Run(ctx context.Context, a *app) error {
	was, err := a.store.Setting(ctx, audit.SettingStopped)
	if err != nil {
		return err
	}
	if was == "" {
		_, err = fmt.Fprintln(a.around.stdout, "mails are not stopped")
		return err
	}
	if err := a.auditor.StartMails(ctx, k.who(a.around), k.Why); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.around.stdout, "customer mails leave again; they were stopped %s\n", was)
	return err
}
