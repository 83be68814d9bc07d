package main

import (
	"context"
	"fmt"

	"mailaudit/report/notice"
)

type noticesToldCmd struct {
	Notices []string `arg:"" name:"notice" help:"The notices that count as sent, as M-4821."`
	decider
}

func (k noticesToldCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	if err := k.check(); err != nil {
		return err
	}
	ids := make([]int64, len(k.Notices))
	for i, name := range k.Notices {
		id, ok := notice.Number(name)
		if !ok {
			return usageError("%q is not a notice such as M-4821", name)
		}
		ids[i] = id
	}
	a, err := openDesk(ctx, g, around)
	if err != nil {
		return err
	}
	defer a.Close()
	for i, id := range ids {
		if err := a.auditor.ToldBefore(ctx, id, k.By, k.Why); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(around.stdout, "%s counts as sent: nothing is mailed for it\n", k.Notices[i]); err != nil {
			return err
		}
	}
	return nil
}
