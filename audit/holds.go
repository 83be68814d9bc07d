package audit

import (
	"context"
	"fmt"
)

// hold opens a hold for each provider whose night is a spike, and returns the open ones by provider. The
// first notices that are being written are judged as well as the accounts that fail newly: a spike that
// waited for its second night is still a spike.
func (a *Auditor) hold(ctx context.Context, run Run, r Rulings, forming []Notice) (map[string]Hold, error) {
	first := map[string]int{}
	for _, n := range forming {
		for _, item := range n.Items {
			if item.Step == 1 {
				first[n.Provider]++
			}
		}
	}
	reasons := map[string]string{}
	for provider, ruling := range r.Providers {
		switch {
		case ruling.Held:
			reasons[provider] = ruling.HeldWhy
		case first[provider] > ruling.NewLimit:
			reasons[provider] = fmt.Sprintf("%d first notices are due at once (normal: up to %d)", first[provider], ruling.NewLimit)
		}
	}
	for provider, why := range reasons {
		if _, err := a.Ledger.PutHold(ctx, Hold{RunKey: run.Key, Provider: provider, Why: why, OpenedAt: run.StartedAt}); err != nil {
			return nil, err
		}
	}
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return nil, err
	}
	holds := map[string]Hold{}
	for _, h := range open {
		holds[h.Provider] = h
	}
	return holds, nil
}

// endHolds takes accounts that work again out of the holds, and ends a hold that nobody is left in.
func (a *Auditor) endHolds(ctx context.Context) error {
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	for _, h := range open {
		if err := a.thin(ctx, h); err != nil {
			return err
		}
		left, err := a.Ledger.HoldCohort(ctx, h)
		if err != nil {
			return err
		}
		if left > 0 {
			continue
		}
		h.State, h.DecidedAt, h.DecidedBy = HoldEnded, a.Now(), "every account in it was accepted again"
		if err := a.Ledger.DecideHold(ctx, h, nil, "the account works again", a.Now()); err != nil {
			return err
		}
	}
	return nil
}

// thin drops from a hold's notices the accounts that were accepted again.
func (a *Auditor) thin(ctx context.Context, h Hold) error {
	held, err := a.Ledger.HeldNotices(ctx, h)
	if err != nil {
		return err
	}
	for _, n := range held {
		states, err := a.Ledger.LoadStates(ctx, ids(n.Items, func(i NoticeItem) string { return i.AccountID }))
		if err != nil {
			return err
		}
		if err := a.keepFailing(ctx, n, func(id string) bool { return states[id].Settled.Verdict.Failing() }); err != nil {
			return err
		}
	}
	return nil
}

// keepFailing narrows a notice to the accounts that still fail; one without any is suppressed.
func (a *Auditor) keepFailing(ctx context.Context, n Notice, failing func(id string) bool) error {
	var keep []string
	for _, item := range n.Items {
		if failing(item.AccountID) {
			keep = append(keep, item.AccountID)
		}
	}
	switch len(keep) {
	case len(n.Items):
		return nil
	case 0:
		return a.Ledger.Withdraw(ctx, n.ID, "the account works again")
	}
	return a.Ledger.Narrow(ctx, n.ID, NoClaim, keep)
}
