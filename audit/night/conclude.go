package night

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/decide"
)

// concludeStore is what this file needs of the store. The contracts are in package audit.
type concludeStore interface {
	Blame(err error) (b audit.Blame, code string)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	Beat(ctx context.Context, key string, now time.Time) error
	Conclude(ctx context.Context, key string) error
	Finish(ctx context.Context, key string, n audit.Numbers, now time.Time) error
	LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]audit.State, error)
	Unsettled(ctx context.Context, run audit.Run, after string, limit int) ([]string, error)
	Settle(ctx context.Context, run audit.Run, settlements []audit.Settlement, notices []audit.Draft) error
	Findings(ctx context.Context, run audit.Run, each func(audit.Finding) error) error
	EndWaits(ctx context.Context, now time.Time) error
	CountNotices(ctx context.Context, key string) (map[audit.NoticeState]int, error)
	Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error)
}

// Conclude ends a run: what was not reached is counted, findings are settled, notices are written, numbers
// are added up. What it cannot read or write is set aside, and from the window's end on nothing else is waited for
// but the database. more tells that it has used up its turn.
func (a *Auditor) Conclude(ctx context.Context, key string) (more bool, err error) {
	run, err := a.Ledger.LoadRun(ctx, key)
	if err != nil || !run.Open() {
		return false, err
	}
	if err := a.Ledger.Beat(ctx, key, a.Now()); err != nil {
		return false, err
	}
	until := time.Now().Add(turn)
	if run.Phase != audit.PhaseConcluding {
		if more, err := a.planMissed(ctx, run); more || err != nil {
			return false, err // the new batches are verified first
		}
		if more, err := a.closeOpen(ctx, run, until); more || err != nil {
			return more, err
		}
		if err := a.Ledger.Conclude(ctx, key); err != nil {
			return false, err
		}
		if run, err = a.Ledger.LoadRun(ctx, key); err != nil || run.Phase != audit.PhaseConcluding {
			return false, err
		}
	}
	rulings, err := a.rulingsFor(ctx, run)
	if err != nil {
		return false, err
	}
	for _, step := range []func(context.Context, audit.Run, decide.Rulings, time.Time) (bool, error){a.settleAll, a.noteMissing, a.settleDeparted, a.warnAll} {
		if more, err := step(ctx, run, rulings, until); more || err != nil {
			return more, err
		}
	}
	if err := a.goOnWithout(ctx, run, "the holds of accounts that work again", a.Outbox.EndHolds(ctx, run)); err != nil {
		return false, err
	}
	if err := a.Outbox.QueueForming(ctx, run, rulings); err != nil {
		return false, err
	}
	if err := a.goOnWithout(ctx, run, "the forecast of warnings", a.Outbox.NoteLateWarnings(ctx, run)); err != nil {
		return false, err
	}
	if err := a.goOnWithout(ctx, run, "the mails that wait for a re-check", a.Ledger.EndWaits(ctx, a.Now())); err != nil {
		return false, err
	}
	numbers, err := a.count(ctx, run, rulings)
	if err != nil {
		return false, err
	}
	if err := a.Outbox.NoteStopped(ctx, key); err != nil {
		return false, err
	}
	if err := a.Ledger.Finish(ctx, key, numbers, a.Now()); err != nil {
		return false, err
	}
	a.Log.Info("run concluded", "run", key, "accounts", numbers.Accounts, "verified", numbers.Verified)
	return false, nil
}

// goOnWithout gives back the error of a part of the conclusion that can be left out, unless the run goes on without it.
func (a *Auditor) goOnWithout(ctx context.Context, run audit.Run, part string, err error) error {
	if err == nil || !a.Aside.Spares(ctx, run, a.Ledger)(err) {
		return err
	}
	return a.Aside.SetAside(ctx, run, audit.AsidePart, part, a.Ledger, err)
}

// rulingsFor asks the canaries once more and has the guards speak.
func (a *Auditor) rulingsFor(ctx context.Context, run audit.Run) (decide.Rulings, error) {
	if err := a.goOnWithout(ctx, run, "the canaries after the run", a.askCanaries(ctx, run, "after")); err != nil {
		return decide.Rulings{}, err
	}
	rulings, err := a.rule(ctx, run)
	if err != nil {
		return rulings, err
	}
	return rulings, a.openUp(ctx, run, rulings)
}

func (a *Auditor) settleAll(ctx context.Context, run audit.Run, rulings decide.Rulings, until time.Time) (more bool, err error) {
	aside, err := audit.AsidesOf(ctx, a.Ledger, run.Key)
	if err != nil {
		return false, err
	}
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Unsettled(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1]
		page = slices.DeleteFunc(page, func(id string) bool { return aside.Has(audit.AsideState, id) })
		if err := a.settlePage(ctx, run, rulings, page); err != nil {
			return false, err
		}
	}
}

func (a *Auditor) settlePage(ctx context.Context, run audit.Run, rulings decide.Rulings, page []string) error {
	contacts, unread, err := a.Aside.ReadAccounts(ctx, run, page)
	if err != nil {
		return err
	}
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	untold := map[string]error{} // accounts whose mail is due and whose contact cannot be read
	err = aside.Apart(page, a.Aside.Spares(ctx, run, a.Ledger), func(some []string) error {
		states, err := a.Ledger.LoadStatesIn(ctx, run.Key, some)
		if err != nil {
			return err
		}
		mailing, err := a.Ledger.Mailing(ctx, some, run.StartedAt.Add(-decide.MailWindow))
		if err != nil {
			return err
		}
		var settlements []audit.Settlement
		var drafts []audit.Draft
		for _, id := range some {
			state := states[id]
			if state.Tonight == nil {
				continue // a later run has recorded it
			}
			s := decide.Settle(run, rulings.Held(rulings.Apply(state), open))
			if s.Reversal != nil && s.Reversal.Told {
				s.Reversal.Run = a.toldBy(ctx, state)
			}
			if a.Policy.Mode != audit.ModeOff {
				acc, there := contacts[id]
				switch draft, ok := a.draft(run, &s, acc, mailing[id]); {
				case ok && there:
					drafts = append(drafts, draft)
				case ok && unread[id] != nil:
					untold[id] = unread[id]
				}
			}
			settlements = append(settlements, s)
		}
		return a.Ledger.Settle(ctx, run, settlements, drafts)
	}, func(id string, err error) error {
		return a.leaveUnsettled(ctx, run, id, err)
	})
	if err != nil {
		return err
	}
	return a.Aside.SetRowsAside(ctx, run, page, untold)
}

// leaveUnsettled goes on without an account that cannot be settled: the run's note says so.
func (a *Auditor) leaveUnsettled(ctx context.Context, run audit.Run, id string, cause error) error {
	if err := a.Aside.SetAside(ctx, run, audit.AsideState, id, a.Ledger, cause); err != nil {
		return err
	}
	return a.noteUnverified(ctx, run, []string{id}, "our own fault: its state cannot be read or written")
}

// draft asks the cadence whether the account's customer is told tonight.
func (a *Auditor) draft(run audit.Run, s *audit.Settlement, acc audit.Account, m audit.Mailing) (audit.Draft, bool) {
	tonight := s.State.Tonight
	asked := tonight.Verdict != audit.Unverified && !tonight.Carried
	cadence := a.Policy.Cadence
	cadence.Shadow = a.Policy.Mode == audit.ModeShadow
	s.Decision = decide.NextMail(cadence, run.StartedAt, s.State.Settled, s.State.Told, asked, m)
	if s.Decision.Kind == "" {
		return audit.Draft{}, false
	}
	item := audit.NoticeItem{AccountID: acc.ID, Verdict: s.State.Settled.Verdict, Since: s.State.Settled.Since, Step: s.Decision.Step}
	if s.Decision.Kind == audit.KindRecovered {
		item.Verdict = s.State.Told.Verdict
	}
	return audit.Draft{
		Kind: s.Decision.Kind, TenantID: acc.TenantID, ContactEmail: audit.FoldAddress(acc.ContactEmail),
		Provider: tonight.Provider, Thread: s.State.Told.NoticeID, Item: item,
	}, true
}

func (a *Auditor) count(ctx context.Context, run audit.Run, rulings decide.Rulings) (audit.Numbers, error) {
	var n audit.Numbers
	if err := a.Ledger.Findings(ctx, run, func(f audit.Finding) error { n.Count(f, run.StartedAt); return nil }); err != nil {
		return n, fmt.Errorf("count run %s: %w", run.Key, err)
	}
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return n, err
	}
	for name, p := range n.Providers {
		if ruling := rulings.Providers[name]; ruling.Void != "" {
			p.Void, p.VoidReason = true, ruling.Why
		}
		for _, h := range open {
			if h.Provider == name {
				p.Held, p.HoldReason = true, h.Why
			}
		}
	}
	unnamed, err := a.Ledger.Facts(ctx, run.Key, unnamedFact)
	if err != nil {
		return n, err
	}
	n.SourceFaults, _ = strconv.Atoi(unnamed[unnamedFact])
	if n.Renumbered, err = a.countRenumbered(ctx, run); err != nil {
		return n, err
	}
	n.Notices, err = a.Ledger.CountNotices(ctx, run.Key)
	return n, err
}
