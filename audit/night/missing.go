package night

import (
	"context"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// missingStore is what this file needs of the store. The contracts are in package audit.
type missingStore interface {
	Blame(err error) (b audit.Blame, code string)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	Departed(ctx context.Context, run audit.Run, after string, limit int) ([]string, error)
	Unrecorded(ctx context.Context, run audit.Run, after string, limit int) ([]string, error)
	Settle(ctx context.Context, run audit.Run, settlements []audit.Settlement, notices []audit.Draft) error
	Note(ctx context.Context, run audit.Run, notes []audit.Finding) error
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
}

// A run's numbers are those of the accounts that it planned. Whose result is missing at the conclusion is unverified,
// and who left the source is told from who was not met.

// noteMissing notes as unverified the accounts that the run has planned and of which it has no result, unless they
// have left the source meanwhile.
func (a *Auditor) noteMissing(ctx context.Context, run audit.Run, rulings decide.Rulings, until time.Time) (more bool, err error) {
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
		accounts, unread, err := a.Aside.ReadAccounts(ctx, run, page)
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
func (a *Auditor) noteUnverified(ctx context.Context, run audit.Run, accounts []string, why string) error {
	states, _, err := a.Aside.ReadStates(ctx, run, accounts)
	if err != nil {
		return err
	}
	return aside.Apart(accounts, a.Aside.Spares(ctx, run, a.Ledger), func(some []string) error {
		notes := make([]audit.Finding, len(some))
		for i, id := range some {
			st := states[id]
			st.AccountID = id
			notes[i] = decide.FindingOf(st, unreached(run, st, why))
			notes[i].Since = run.StartedAt
			if !st.UnverifiedSince.IsZero() {
				notes[i].Since = st.UnverifiedSince
			}
		}
		return a.Ledger.Note(ctx, run, notes)
	}, func(id string, err error) error {
		return a.Aside.SetAside(ctx, run, audit.AsideState, id, a.Ledger, err)
	})
}

// unreached is the result of an account of which no more is known than its state.
func unreached(run audit.Run, st audit.State, why string) audit.Result {
	r := audit.Result{
		AccountID: st.AccountID, RunKey: run.Key, TenantID: st.TenantID, TenantName: st.TenantName, Address: st.Address,
		Provider: st.Provider, Brand: st.Brand, Reason: why, Try: 1, At: run.StartedAt,
		Judgement: audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous},
	}
	if r.Provider == "" {
		r.Provider = audit.ProviderOther
	}
	return r
}

// settleDeparted settles the accounts that a run of the whole source did not meet. They have left the source if the
// run has seen all of it, and if they are not too many; else they were not reached.
func (a *Auditor) settleDeparted(ctx context.Context, run audit.Run, rulings decide.Rulings, until time.Time) (more bool, err error) {
	if !run.Scope.Whole() {
		return false, nil
	}
	left, err := audit.AsidesOf(ctx, a.Ledger, run.Key)
	if err != nil {
		return false, err
	}
	whole := !rulings.Blind && len(left[audit.AsidePlan]) == 0 && len(left[audit.AsideBatch]) == 0
	notReached := "not reached: the source of the accounts was not read to its end"
	if whole {
		shrank, err := a.shrankUnderWay(ctx, run)
		if err != nil {
			return false, err
		}
		if shrank {
			whole, notReached = false, "not reached: too many accounts left the source while the run was at work"
		}
	}
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Departed(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1]
		// Who has left is who is not there: a plan may have lost a page, or the source may have been read while it changed.
		accounts, unread, err := a.Aside.ReadAccounts(ctx, run, page)
		if err != nil {
			return false, err
		}
		err = aside.Apart(page, a.Aside.Spares(ctx, run, a.Ledger), func(some []string) error {
			states, err := a.Ledger.LoadStates(ctx, some)
			if err != nil {
				return err
			}
			settlements := make([]audit.Settlement, 0, len(states))
			for _, st := range states {
				_, there := accounts[st.AccountID]
				there = there || unread[st.AccountID] != nil
				if whole && !there {
					settlements = append(settlements, decide.Left(run, st))
					continue
				}
				why := notReached
				if there {
					why = "our own fault: the run did not plan it"
				}
				r := unreached(run, st, why)
				st.Tonight = &r
				settlements = append(settlements, decide.Settle(run, st))
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

// shrankFact keeps with a run whether its source shrank while it was at work, so that a conclusion that is begun again
// says the same.
const shrankFact = "shrank"

// shrankUnderWay reports whether more accounts are gone than the source may lose between two runs. The preflight has seen
// them all, so they went since: a source that is being filled anew has not lost them.
func (a *Auditor) shrankUnderWay(ctx context.Context, run audit.Run) (bool, error) {
	kept, err := a.Ledger.Facts(ctx, run.Key, shrankFact)
	if err != nil || kept[shrankFact] != "" {
		return kept[shrankFact] == "yes", err
	}
	before, known, err := a.runToCompare(ctx, run)
	if err != nil || !known {
		return false, err
	}
	lost, err := a.countDeparted(ctx, run)
	if err != nil {
		return false, err
	}
	said := "no"
	if a.tooManyLost(lost, before) {
		said = "yes"
		if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{
			What: fmt.Sprintf("%d of the %d mailboxes that run %s had left the source while this run was at work; they are counted as unverified, and no finding of theirs is closed", lost, before.Numbers.Accounts, before.Key),
			Fix:  "look at what fills the source of the accounts; if they are gone for good, the next run stops and asks for --accept-source",
		}); err != nil {
			return false, err
		}
	}
	said, err = a.Ledger.KeepFact(ctx, run.Key, shrankFact, said)
	return said == "yes", err
}

func (a *Auditor) countDeparted(ctx context.Context, run audit.Run) (lost int, err error) {
	for after := ""; ; {
		page, err := a.Ledger.Departed(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return lost, err
		}
		after = page[len(page)-1]
		accounts, unread, err := a.Aside.ReadAccounts(ctx, run, page)
		if err != nil {
			return lost, err
		}
		for _, id := range page {
			if _, there := accounts[id]; !there && unread[id] == nil {
				lost++
			}
		}
	}
}
