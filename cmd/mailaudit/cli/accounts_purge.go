package cli

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
)

type accountsPurgeCmd struct {
	Tenant string `required:"" placeholder:"ID" help:"The tenant to erase."`
	decider
}

func (k accountsPurgeCmd) Run(ctx context.Context, a *app.App) error {
	unlock, err := app.LockStore(ctx, a.Store, false)
	if err != nil {
		return fmt.Errorf("nothing was purged: %w; purge once it has ended", err)
	}
	defer unlock()
	if err := a.GoneFromProduct(ctx, k.Tenant); err != nil {
		return err
	}
	return app.Purge{Publisher: &app.Publisher{App: a, Stdout: a.Env.Stdout}}.Run(ctx, k.Tenant, k.By, k.Why)
}
