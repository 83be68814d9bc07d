package cli

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/report/notice"
)

type noticesToldCmd struct {
	Notices []string `arg:"" name:"notice" help:"The notices to mark as sent, such as M-4821."`
	decider
}

func (k noticesToldCmd) check() error {
	if err := k.decider.check(); err != nil {
		return err
	}
	_, err := k.ids()
	return err
}

func (k noticesToldCmd) ids() ([]int64, error) {
	ids := make([]int64, len(k.Notices))
	for i, name := range k.Notices {
		id, ok := notice.Number(name)
		if !ok {
			return nil, exit.Usagef("%q is not a notice such as M-4821", name)
		}
		ids[i] = id
	}
	return ids, nil
}

func (k noticesToldCmd) Run(ctx context.Context, a *app.App) error {
	ids, err := k.ids()
	if err != nil {
		return err
	}
	for i, id := range ids {
		if err := a.Auditor.Operate.ToldBefore(ctx, id, k.By, k.Why); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.Env.Stdout, "%s counts as sent: nothing is mailed for it\n", k.Notices[i]); err != nil {
			return err
		}
	}
	return nil
}
