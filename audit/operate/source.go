package operate

import (
	"context"

	"mailaudit/audit"
)

// sourceStore is what this file needs of the store. The contracts are in package audit.
type sourceStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Reopen(ctx context.Context, key string) error
}

// AcceptSourceBy is [Desk.AcceptSource] with who decided it and why.
func (d *Desk) AcceptSourceBy(ctx context.Context, key, who, why string) error {
	if err := d.act(ctx, who, "run --accept-source", key, why); err != nil {
		return err
	}
	return d.AcceptSource(ctx, key)
}

// AcceptSource has a run take the source as it is, once.
func (d *Desk) AcceptSource(ctx context.Context, key string) error {
	if _, err := d.Ledger.KeepFact(ctx, key, audit.AcceptFact, "yes"); err != nil {
		return err
	}
	return d.Ledger.Reopen(ctx, key)
}
