package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// standing is what holds back a run's notices, by provider.
type standing struct {
	open   map[string]Hold
	failed map[string]string // a hold was to be opened and could not be: nothing of the provider's is mailed
}

// hold opens a hold for each provider whose night is a spike, and returns those that stand. The
// first notices that are being written are judged as well as the accounts that fail newly: a spike that
// waited for its second night is still a spike, and what a person has discarded needs a person again.
func (a *Auditor) hold(ctx context.Context, run Run, r Rulings, forming []Notice) (standing, error) {
	holds := standing{map[string]Hold{}, map[string]string{}}
	first, again, err := a.firstNotices(ctx, forming)
	if err != nil {
		return holds, err
	}
	reasons := map[string]string{}
	for provider, ruling := range r.Providers {
		switch {
		case ruling.Held:
			reasons[provider] = ruling.HeldWhy
		case first[provider] > ruling.NewLimit:
			reasons[provider] = fmt.Sprintf("%d first notices are due at once (normal: up to %d)", first[provider], ruling.NewLimit)
		case again[provider] > 0:
			reasons[provider] = fmt.Sprintf("%d accounts still fail whose findings were discarded", again[provider])
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(reasons)) {
		why := reasons[provider]
		_, err := a.Ledger.PutHold(ctx, Hold{RunKey: run.Key, Provider: provider, Why: why, OpenedAt: run.StartedAt})
		switch {
		case err == nil:
		case !a.spares(ctx, run, a.Ledger)(err):
			return holds, err
		default:
			holds.failed[provider] = SetAside + "a hold could not be opened: " + why
			if err := a.setAside(ctx, run, AsideHold, provider, a.Ledger, err); err != nil {
				return holds, err
			}
		}
	}
	open, err := a.Ledger.OpenHolds(ctx)
	for _, h := range open {
		holds.open[h.Provider] = h
	}
	return holds, err
}

// firstNotices counts, by provider, the accounts that are to be told for the first time, and those of them
// whose finding a person has discarded: with its notice, or with the hold that it waited in for one.
func (a *Auditor) firstNotices(ctx context.Context, forming []Notice) (first, again map[string]int, err error) {
	first, again = map[string]int{}, map[string]int{}
	var told []string
	for _, n := range forming {
		told = append(told, ids(n.Items, func(i NoticeItem) string { return i.AccountID })...)
	}
	mailing, err := a.Ledger.Mailing(ctx, told, time.Unix(0, 0))
	if err != nil {
		return nil, nil, err
	}
	discarded, err := a.Ledger.DiscardedHolds(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range forming {
		for _, item := range n.Items {
			if item.Step != 1 {
				continue
			}
			first[n.Provider]++
			noticed := mailing[item.AccountID].Discarded
			waited := func(h Hold) bool { return h.Provider == n.Provider && h.joined(item.Since) }
			if !noticed.IsZero() && noticed.Equal(item.Since) || slices.ContainsFunc(discarded, waited) {
				again[n.Provider]++
			}
		}
	}
	return first, again, nil
}

// joined tells whether a finding of the hold's provider began while the decided hold was open.
func (h Hold) joined(since time.Time) bool {
	return !since.Before(h.OpenedAt) && !since.After(h.DecidedAt)
}

// isHeld tells whether the provider has an open hold. Then its accounts are asked every night: the hold's own
// nights are none that a secret is left alone for, and who works again leaves it at once.
func (a *Auditor) isHeld(ctx context.Context, provider string) (bool, error) {
	open, err := a.Ledger.OpenHolds(ctx)
	return slices.ContainsFunc(open, func(h Hold) bool { return h.Provider == provider }), err
}

const worksAgain = "the account works again"

// endHolds takes accounts that work again out of the holds, and ends a hold that nobody is left in.
func (a *Auditor) endHolds(ctx context.Context, run Run) error {
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	return eachApart(open, a.spares(ctx, run, a.Ledger), func(h Hold) error { return a.endHold(ctx, run, h) }, func(h Hold, err error) error {
		return a.setAside(ctx, run, AsideHold, h.Provider, a.Ledger, err)
	})
}

func (a *Auditor) endHold(ctx context.Context, run Run, h Hold) error {
	left, err := a.thin(ctx, run, h)
	if err != nil || left > 0 {
		return err
	}
	// Those whose notices are not written yet wait in it, too.
	if left, err := a.Ledger.HoldCohort(ctx, h); err != nil || left > 0 {
		return err
	}
	h.State, h.DecidedAt, h.DecidedBy = HoldEnded, a.Now(), "every account in it was accepted again"
	return a.Ledger.DecideHold(ctx, h, nil, worksAgain, a.Now())
}

// thin drops from a hold's notices the accounts that were accepted again, and counts those that are left. A notice
// that cannot be changed stays as it is.
func (a *Auditor) thin(ctx context.Context, run Run, h Hold) (left int, err error) {
	held, err := a.Ledger.HeldNotices(ctx, h)
	if err != nil {
		return 0, err
	}
	err = eachApart(held, a.spares(ctx, run, a.Ledger), func(n Notice) error {
		states, err := a.Ledger.LoadStates(ctx, n.accounts())
		if err != nil {
			return err
		}
		kept, err := a.keepIn(ctx, n, func(id string) string {
			if states[id].Settled.Verdict.Failing() {
				return ""
			}
			return worksAgain
		})
		if err == nil {
			left += kept
		}
		return err
	}, func(n Notice, err error) error {
		left += len(n.Items)
		return a.setAside(ctx, run, AsideMail, fmt.Sprintf("M-%d", n.ID), a.Ledger, err)
	})
	return left, err
}

// keepIn removes from a held notice the accounts for which leave gives a reason, and counts those that are left. A
// notice without any is suppressed for the last of the reasons.
func (a *Auditor) keepIn(ctx context.Context, n Notice, leave func(accountID string) (why string)) (left int, err error) {
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
		return 0, a.Ledger.Withdraw(ctx, n.ID, last)
	}
	return len(keep), a.Ledger.Narrow(ctx, n.ID, NoClaim, keep)
}
