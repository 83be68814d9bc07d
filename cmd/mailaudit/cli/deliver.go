package cli

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
)

type deliverCmd struct{}

func (deliverCmd) wants() app.Wants { return app.Wants{Asks: true, Waits: true} }

func (deliverCmd) Run(ctx context.Context, a *app.App) error {
	unlock, err := app.LockStore(ctx, a.Store, false)
	if errors.Is(err, app.ErrLocked) {
		fmt.Fprintln(a.Env.Stdout, "another mailaudit works on this database; it delivers what is due")
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	n, err := a.NewWorker()
	if err != nil {
		return err
	}
	n.OnlyOwed = true
	return n.Deliver(ctx)
}
