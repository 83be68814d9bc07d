package cli

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/app"
)

type migrateCmd struct{}

// wants has the tables brought up to date as the database is opened.
func (migrateCmd) wants() app.Wants { return app.Wants{Tables: app.Creating, Waits: true} }

func (migrateCmd) Run(ctx context.Context, a *app.App) error {
	// The chain of evidence begins with what was there before it.
	notary, err := a.Notary()
	if err != nil {
		return err
	}
	if err := notary.StartWhereRunsAre(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Env.Stdout, "the database is up to date")
	return err
}
