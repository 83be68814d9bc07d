package cli

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
)

type serveCmd struct {
	Migrate bool `help:"Bring a PostgreSQL database's tables up to date first."`
}

func (s *serveCmd) wants() app.Wants {
	if s.Migrate {
		return app.Wants{Tables: app.Migrating, Asks: true, Waits: true}
	}
	return app.Wants{Asks: true, Waits: true}
}

func (s *serveCmd) Run(ctx context.Context, a *app.App) error {
	unlock, err := app.LockStore(ctx, a.Store, false)
	if errors.Is(err, app.ErrLocked) {
		return fmt.Errorf("serve: %w: stop the other one first, or keep the database in PostgreSQL, where any number may work", err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := a.MayBegin(ctx); err != nil {
		return err
	}
	n, err := a.NewWorker()
	if err != nil {
		return err
	}
	a.Slots = app.Slots{Schedule: a.Config.Schedule, Zone: a.Config.TimeZone}
	d := &app.Daemon{Worker: n, Slots: a.Slots, Ends: app.NewEnds(a)}
	return d.Serve(ctx)
}
