package audit

import (
	"context"
	"time"

	"mailaudit/providers"
)

// A run's numbers are those of the accounts that it planned. Whose result is missing at the conclusion is unverified,
// and who left the source is told from who was not met.

// noteMissing notes as unverified the accounts that the run has planned and of which it has no result, unless they
// have left the source meanwhile.
func (a *Auditor) noteMissing(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	if rulings.Recorded >= run.Accounts {
		newest, err := a.Ledger.ListRuns(ctx, 1, false)
		if err != nil || len(newest) > 0 && newest[0].Seq <= run.Seq {
			return false, err // nothing is missing, and no later run has taken anything away
		}
	}
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Unrecorded(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1]
		accounts, unread, err := a.accounts(ctx, run, page)
		if err != nil {
			return false, err
		}
		var missing []string
		for _, id := range page {
			if _, there := accounts[id]; there || unread[id] != nil {
				missing = append(missing, id)
			}
		}
		if err := a.noteUnverified(ctx, run, missing, "our own fault: the run has no result of it"); err != nil {
			return false, err
		}
	}
}

// noteUnverified has the run's report count accounts as unverified whose states stay as they are.
func (a *Auditor) noteUnverified(ctx context.Context, run Run, accounts []string, why string) error {
	states, _, err := a.states(ctx, run, accounts)
	if err != nil {
		return err
	}
	return apart(accounts, a.spares(ctx, run, a.Ledger), func(some []string) error {
		notes := make([]Finding, len(some))
		for i, id := range some {
			st := states[id]
			st.AccountID = id
			notes[i] = FindingOf(st, unreached(run, st, why))
			notes[i].Since = run.StartedAt
			if !st.UnverifiedSince.IsZero() {
				notes[i].Since = st.UnverifiedSince
			}
		}
		return a.Ledger.Note(ctx, run, notes)
	}, func(id string, err error) error {
		return a.setAside(ctx, run, AsideState, id, a.Ledger, err)
	})
}

// unreached is the result of an account of which no more is known than its state.
func unreached(run Run, st State, why string) Result {
	r := Result{
		AccountID: st.AccountID, RunKey: run.Key, TenantID: st.TenantID, TenantName: st.TenantName, Address: st.Address,
		Provider: st.Provider, Brand: st.Brand, Reason: why, Try: 1, At: run.StartedAt,
		Judgement: Judgement{Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous},
	}
	if r.Provider == "" {
		r.Provider = Undecided
	}
	return r
}

// settleDeparted settles the accounts that a run of the whole source did not meet. They have left the source if the
// run has seen all of it; else they were not reached.
func (a *Auditor) settleDeparted(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	if !run.Scope.Whole() {
		return false, nil
	}
	aside, err := asidesOf(ctx, a.Ledger, run.Key)
	if err != nil {
		return false, err
	}
	whole := !rulings.Blind && len(aside[AsidePlan]) == 0 && len(aside[AsideBatch]) == 0
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Departed(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1]
		err = apart(page, a.spares(ctx, run, a.Ledger), func(some []string) error {
			states, err := a.Ledger.LoadStates(ctx, some)
			if err != nil {
				return err
			}
			settlements := make([]Settlement, 0, len(states))
			for _, st := range states {
				if whole {
					settlements = append(settlements, Left(run, st))
					continue
				}
				r := unreached(run, st, "not reached: the source of the accounts was not read to its end")
				st.Tonight = &r
				settlements = append(settlements, Settle(run, st))
			}
			return a.Ledger.Settle(ctx, run, settlements, nil)
		}, func(id string, err error) error {
			return a.leaveUnsettled(ctx, run, id, err)
		})
		if err != nil {
			return false, err
		}
	}
}
