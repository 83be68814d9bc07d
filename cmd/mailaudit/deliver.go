package main

import (
	"context"
	"errors"
	"fmt"
)

type deliverCmd struct{}

func (deliverCmd) wants() wants { return wants{asks: true} }

func (deliverCmd) Run(ctx context.Context, a *app) error {
	unlock, err := lockStore(ctx, a.store, false)
	if errors.Is(err, errLocked) {
		fmt.Fprintln(a.around.stdout, "another mailaudit works on this database; it delivers what is due")
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
