package outbox

import (
	"context"
	"slices"

	"mailaudit/audit"
)

// envelopesStore is what this file needs of the store. The contracts are in package audit.
type envelopesStore interface {
	Enqueue(ctx context.Context, occasion string, n audit.Notice) (id int64, added bool, err error)
}

// Mails collects notices written outside a run, one for each tenant, contact and provider.
type Mails []audit.Notice

// Add adds a notice's items to the mail for the same tenant, contact and provider.
func (e *Mails) Add(n audit.Notice) {
	i := slices.IndexFunc(*e, func(have audit.Notice) bool {
		return have.TenantID == n.TenantID && have.ContactEmail == n.ContactEmail && have.Provider == n.Provider
	})
	if i < 0 {
		n.Items = slices.Clone(n.Items)
		*e = append(*e, n)
		return
	}
	have := &(*e)[i]
	for _, item := range n.Items {
		if _, there := have.Item(item.AccountID); !there {
			have.Items = append(have.Items, item)
		}
	}
	if have.Thread == 0 {
		have.Thread = n.Thread
	}
}

// Enqueue writes them for one occasion: queued, or with what keeps them back. It returns those that are
// queued, and how many were written for the first time.
func (o *Outbox) Enqueue(ctx context.Context, occasion string, mails Mails) (queued []int64, written int, err error) {
	kept, err := o.suppressor(ctx, mails...)
	if err != nil {
		return nil, 0, err
	}
	for _, n := range mails {
		n.State = audit.NoticeQueued
		o.address(&n)
		if why := kept.reason(n); why != "" {
			n.State, n.Detail = audit.NoticeSuppressed, why
		} else if o.Policy.Mode == audit.ModeShadow {
			n.State, n.Detail = audit.NoticeShadowed, "notices.mode is shadow"
		}
		id, added, err := o.Ledger.Enqueue(ctx, occasion, n)
		if err != nil {
			return queued, written, err
		}
		if added {
			written++
		}
		if added && n.State == audit.NoticeQueued {
			queued = append(queued, id)
		}
	}
	return queued, written, nil
}
