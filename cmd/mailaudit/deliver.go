package main

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/cmd/mailaudit/config"
)

type deliverCmd struct{}

func (deliverCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	c, err := config.Load(g.Config, around.lookupEnv)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, g.logger(around.stderr), around)
	if err != nil {
		return err
	}
	defer a.Close()
	unlock, err := lockStore(ctx, a.store, false)
	if errors.Is(err, errLocked) {
		fmt.Fprintln(around.stdout, "another mailaudit works on this database; it delivers what is due")
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	n, err := a.newNight()
	if err != nil {
		return err
	}
	n.onlyOwed = true
	return n.deliver(ctx)
}
