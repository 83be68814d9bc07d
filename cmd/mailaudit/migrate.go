package main

import (
	"context"
	"fmt"

	"mailaudit/cmd/mailaudit/config"
)

type migrateCmd struct{}

func (migrateCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, c, creating, g.logger(around.stderr))
	if err != nil {
		return err
	}
	fmt.Fprintln(around.stdout, "the database is up to date")
	return store.Close()
}
