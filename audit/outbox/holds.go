package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// holdsStore is what this file needs of the store. The contracts are in package audit.
type holdsStore interface {
	Blame(err error) (b audit.Blame, code string)
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	DiscardedHolds(ctx context.Context) ([]audit.Hold, error)
	PutHold(ctx context.Context, h audit.Hold) (audit.Hold, error)
	HeldNotices(ctx context.Context, h audit.Hold) ([]audit.Notice, error)
	Withdraw(ctx context.Context, id int64, detail string) error
	HoldCohort(ctx context.Context, h audit.Hold) (int, error)
	DecideHold(ctx context.Context, h audit.Hold, keep []int64, detail string, due time.Time) error
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error
	Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error)
}

// standing is what holds back a run's notices, by provider.
type standing struct {
	open   map[string]audit.Hold
	failed map[string]string // a hold was to be opened and could not be: nothing of the provider's is mailed
}

// hold opens a hold for each provider whose night is a spike, and returns those that stand. The
// first notices that are being written are judged as well as the new failures: a spike that
// waited for its second night is still a spike, and what a person has discarded needs a person again.
func (o *Outbox) hold(ctx context.Context, run audit.Run, r decide.Rulings, forming []audit.Notice) (standing, error) {
	holds := standing{map[string]audit.Hold{}, map[string]string{}}
	first, again, err := o.firstNotices(ctx, forming)
	if err != nil {
		return holds, err
	}
	reasons := map[string]string{}
	for provider, ruling := range r.Providers {
		switch {
		case ruling.Held:
			reasons[provider] = ruling.HeldWhy
		case together(first[provider], ruling) > ruling.NewLimit:
			reasons[provider] = fmt.Sprintf("%d first notices are due at once (threshold %d)", sum(first[provider]), ruling.NewLimit)
		case again[provider] > 0:
			reasons[provider] = fmt.Sprintf("%d accounts still failing whose findings were discarded", again[provider])
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(reasons)) {
		why := reasons[provider]
		a, ok, err := o.announced(ctx, run, provider)
		if err != nil && !o.Aside.Spares(ctx, run, o.Ledger)(err) {
			return holds, err
		}
		if ok {
			why += ": " + a.String()
			if err := audit.NoteAnnounced(ctx, o.Ledger, run.Key, provider, a); err != nil {
				return holds, err
			}
		}
		_, err = o.Ledger.PutHold(ctx, audit.Hold{RunKey: run.Key, Provider: provider, Why: why, OpenedAt: run.StartedAt})
		switch {
		case err == nil:
		case !o.Aside.Spares(ctx, run, o.Ledger)(err):
			return holds, err
		default:
			holds.failed[provider] = audit.SetAside + "a hold could not be opened: " + why
			if err := o.Aside.SetAside(ctx, run, audit.AsideHold, provider, o.Ledger, err); err != nil {
				return holds, err
			}
		}
	}
	open, err := o.Ledger.OpenHolds(ctx)
	for _, h := range open {
		holds.open[h.Provider] = h
	}
	return holds, err
}

// together is how many first notices count: no tenant's many hold those of the others.
func together(ofTenants map[string]int, r decide.Ruling) int {
	if r.OneTenant {
		return sum(ofTenants)
	}
	return decide.Together(ofTenants)
}

func sum(ofTenants map[string]int) (n int) {
	for _, of := range ofTenants {
		n += of
	}
	return n
}

// firstNotices counts, by provider and tenant, the accounts that are to be told for the first time, and by provider
// those of them whose finding a person has discarded: with its notice, or with the hold that it waited in for one.
func (o *Outbox) firstNotices(ctx context.Context, forming []audit.Notice) (first map[string]map[string]int, again map[string]int, err error) {
	first, again = map[string]map[string]int{}, map[string]int{}
	var told []string
	for _, n := range forming {
		told = append(told, audit.IDs(n.Items, func(i audit.NoticeItem) string { return i.AccountID })...)
	}
	mailing, err := o.Ledger.Mailing(ctx, told, time.Unix(0, 0))
	if err != nil {
		return nil, nil, err
	}
	discarded, err := o.Ledger.DiscardedHolds(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range forming {
		for _, item := range n.Items {
			if item.Step != 1 {
				continue
			}
			if first[n.Provider] == nil {
				first[n.Provider] = map[string]int{}
			}
			first[n.Provider][n.TenantID]++
			noticed := mailing[item.AccountID].Discarded
			waited := func(h audit.Hold) bool { return h.Provider == n.Provider && h.Joined(item.Since) }
			if !noticed.IsZero() && noticed.Equal(item.Since) || slices.ContainsFunc(discarded, waited) {
				again[n.Provider]++
			}
		}
	}
	return first, again, nil
}

// IsHeld reports whether the provider has an open hold. Then its accounts are asked every night: the hold's own
// nights are none that a secret is left alone for, and who works again leaves it at once.
func (o *Outbox) IsHeld(ctx context.Context, provider string) (bool, error) {
	open, err := o.Ledger.OpenHolds(ctx)
	return slices.ContainsFunc(open, func(h audit.Hold) bool { return h.Provider == provider }), err
}

const WorksAgain = "the account works again"

// EndHolds takes accounts that work again out of the holds, and ends a hold that nobody is left in.
func (o *Outbox) EndHolds(ctx context.Context, run audit.Run) error {
	open, err := o.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	return aside.EachApart(open, o.Aside.Spares(ctx, run, o.Ledger), func(h audit.Hold) error { return o.endHold(ctx, run, h) }, func(h audit.Hold, err error) error {
		return o.Aside.SetAside(ctx, run, audit.AsideHold, h.Provider, o.Ledger, err)
	})
}

func (o *Outbox) endHold(ctx context.Context, run audit.Run, h audit.Hold) error {
	left, err := o.thin(ctx, run, h)
	if err != nil || left > 0 {
		return err
	}
	// Those whose notices are not written yet wait in it, too.
	if left, err := o.Ledger.HoldCohort(ctx, h); err != nil || left > 0 {
		return err
	}
	h.State, h.DecidedAt, h.DecidedBy = audit.HoldEnded, o.Now(), "every account in it was accepted again"
	return o.Ledger.DecideHold(ctx, h, nil, WorksAgain, o.Now())
}

// thin drops from a hold's notices the accounts that were accepted again, and counts those that are left. A notice
// that cannot be changed stays as it is.
func (o *Outbox) thin(ctx context.Context, run audit.Run, h audit.Hold) (left int, err error) {
	held, err := o.Ledger.HeldNotices(ctx, h)
	if err != nil {
		return 0, err
	}
	err = aside.EachApart(held, o.Aside.Spares(ctx, run, o.Ledger), func(n audit.Notice) error {
		states, err := o.Ledger.LoadStates(ctx, n.Accounts())
		if err != nil {
			return err
		}
		kept, err := o.KeepIn(ctx, n, func(id string) string {
			if states[id].Settled.Verdict.Failing() {
				return ""
			}
			return WorksAgain
		})
		if err == nil {
			left += kept
		}
		return err
	}, func(n audit.Notice, err error) error {
		left += len(n.Items)
		return o.Aside.SetAside(ctx, run, audit.AsideMail, fmt.Sprintf("M-%d", n.ID), o.Ledger, err)
	})
	return left, err
}

// KeepIn removes from a held notice the accounts for which leave gives a reason, and counts those that are left. A
// notice without any is suppressed for the last of the reasons.
func (o *Outbox) KeepIn(ctx context.Context, n audit.Notice, leave func(accountID string) (why string)) (left int, err error) {
	var keep []string
	last := ""
	for _, item := range n.Items {
		if why := leave(item.AccountID); why != "" {
			last = why
			continue
		}
		keep = append(keep, item.AccountID)
	}
	switch len(keep) {
	case len(n.Items):
		return len(keep), nil
	case 0:
		return 0, o.Ledger.Withdraw(ctx, n.ID, last)
	}
	return len(keep), o.Ledger.Narrow(ctx, n.ID, audit.NoClaim, keep)
}
