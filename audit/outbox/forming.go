package outbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// formingStore is what this file needs of the store. The contracts are in package audit.
type formingStore interface {
	Blame(err error) (b audit.Blame, code string)
	Forming(ctx context.Context, key string) ([]audit.Notice, error)
	Release(ctx context.Context, notices []audit.Notice) error
}

const settlePage = 500

// QueueForming decides what becomes of the mails that this run has written, and ends those that earlier runs could
// not queue.
func (o *Outbox) QueueForming(ctx context.Context, run audit.Run, rulings decide.Rulings) error {
	left, err := o.Ledger.Forming(ctx, "")
	if err != nil {
		return err
	}
	for i := range left {
		left[i].State, left[i].Detail = audit.NoticeSuppressed, audit.SetAside+"its run could not queue it"
	}
	forming, err := o.Ledger.Forming(ctx, run.Key)
	if err != nil {
		return err
	}
	holds, err := o.hold(ctx, run, rulings, forming)
	if err != nil {
		return err
	}
	kept, err := o.suppressor(ctx, forming...)
	if err != nil {
		return err
	}
	accounts, err := o.AccountsIn(ctx, run, forming)
	if err != nil {
		return err
	}
	for i := range forming {
		n := &forming[i]
		hold, isHeld := holds.open[n.Provider]
		why := kept.reason(*n)
		if why == "" {
			why = cmp.Or(audit.UnverifiedContact(*n, accounts), audit.Unreadable(*n, accounts))
		}
		if why == "" && n.Kind != audit.KindRecovered {
			why = holds.failed[n.Provider]
		}
		switch {
		case why != "":
			n.State, n.Detail = audit.NoticeSuppressed, why
		case rulings.Silenced != "":
			n.State, n.Detail = audit.NoticeSuppressed, rulings.Silenced
		case o.Policy.Mode == audit.ModeShadow:
			n.State, n.Detail = audit.NoticeShadowed, "notices.mode is shadow"
		case isHeld && n.Kind != audit.KindRecovered:
			n.State, n.Detail, n.HoldKey = audit.NoticeHeld, hold.Why, hold.RunKey
		default:
			n.State, n.DueAt = audit.NoticeQueued, decide.NextHour(o.Policy.Hours, o.Now(), o.ZoneOf(*n, accounts))
		}
	}
	for i := range forming {
		o.address(&forming[i])
	}
	return o.releaseApart(ctx, run, append(forming, left...))
}

// releaseApart releases mails. One whose decision cannot be stored is suppressed, where that can.
func (o *Outbox) releaseApart(ctx context.Context, run audit.Run, notices []audit.Notice) error {
	return aside.Apart(notices, o.Aside.Spares(ctx, run, o.Ledger), func(some []audit.Notice) error {
		return o.Ledger.Release(ctx, some)
	}, func(n audit.Notice, cause error) error {
		n.State, n.Detail, n.HoldKey = audit.NoticeSuppressed, audit.SetAside+"it could not be "+string(n.State), ""
		if err := o.Ledger.Release(ctx, []audit.Notice{n}); err != nil && !o.Aside.Spares(ctx, run, o.Ledger)(err) {
			return err
		}
		return o.Aside.SetAside(ctx, run, audit.AsideMail, fmt.Sprintf("M-%d", n.ID), o.Ledger, cause)
	})
}

// AccountsIn reads the accounts of notices, those whose rows cannot be read left out.
func (o *Outbox) AccountsIn(ctx context.Context, run audit.Run, notices []audit.Notice) (map[string]audit.Account, error) {
	all := map[string]audit.Account{}
	var named []string
	for _, n := range notices {
		named = append(named, audit.IDs(n.Items, func(i audit.NoticeItem) string { return i.AccountID })...)
	}
	for some := range slices.Chunk(named, settlePage) {
		accounts, _, err := o.Aside.ReadAccounts(ctx, run, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, accounts)
	}
	return all, nil
}
