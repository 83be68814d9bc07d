package audit

import (
	"context"
	"slices"
)

// envelopes are mails that no run writes, one for each tenant, contact and provider.
type envelopes []Notice

// put adds a notice's items to the mail for the same tenant, contact and provider.
func (e *envelopes) put(n Notice) {
	i := slices.IndexFunc(*e, func(have Notice) bool {
		return have.TenantID == n.TenantID && have.ContactEmail == n.ContactEmail && have.Provider == n.Provider
	})
	if i < 0 {
		n.Items = slices.Clone(n.Items)
		*e = append(*e, n)
		return
	}
	have := &(*e)[i]
	for _, item := range n.Items {
		if _, there := have.item(item.AccountID); !there {
			have.Items = append(have.Items, item)
		}
	}
	if have.Thread == 0 {
		have.Thread = n.Thread
	}
}

// enqueue writes them for one occasion: queued, or with what keeps them back. It returns those that are
// queued, and how many were written for the first time.
func (a *Auditor) enqueue(ctx context.Context, occasion string, mails envelopes) (queued []int64, written int, err error) {
	kept, err := a.keeping(ctx, mails...)
	if err != nil {
		return nil, 0, err
	}
	for _, n := range mails {
		n.State = NoticeQueued
		if why := kept.why(n); why != "" {
			n.State, n.Detail = NoticeSuppressed, why
		} else if a.Policy.Mode == ModeShadow {
			n.State, n.Detail = NoticeShadowed, "notices.mode is shadow"
		}
		id, added, err := a.Ledger.Enqueue(ctx, occasion, n)
		if err != nil {
			return queued, written, err
		}
		if added {
			written++
		}
		if added && n.State == NoticeQueued {
			queued = append(queued, id)
		}
	}
	return queued, written, nil
}
