package operate

import (
	"context"
	"errors"
	"strings"

	"mailaudit/audit"
)

// purgeStore is what this file needs of the store. The contracts are in package audit.
type purgeStore interface {
	Purge(ctx context.Context, p audit.Purge) (audit.Purged, error)
}

// Forget takes a tenant out of everything that is kept and notes who had it done, and why.
func (d *Desk) Forget(ctx context.Context, p audit.Purge, who, why string) (audit.Purged, error) {
	if strings.TrimSpace(p.Tenant) == "" || p.Tombstone == "" {
		return audit.Purged{}, errors.New("purge: no tenant is named")
	}
	if err := d.act(ctx, who, audit.ActionPurge, p.Tenant+" as "+p.Tombstone, why); err != nil {
		return audit.Purged{}, err
	}
	return d.Ledger.Purge(ctx, p)
}
