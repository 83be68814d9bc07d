package audit

import (
	"context"
	"fmt"
	"time"
)

const settlePage = 500

// Conclude ends a run: what was not reached is counted, findings are settled, notices are written, numbers
// are added up. more tells that it has used up its turn.
func (a *Auditor) Conclude(ctx context.Context, key string) (more bool, err error) {
	run, err := a.Ledger.LoadRun(ctx, key)
	if err != nil || !run.Open() {
		return false, err
	}
	if err := a.Ledger.Beat(ctx, key, a.Now()); err != nil {
		return false, err
	}
	until := time.Now().Add(turn)
	if run.Phase != PhaseConcluding {
		if more, err := a.closeOpen(ctx, run, until); more || err != nil {
			return more, err
		}
		if err := a.Ledger.Conclude(ctx, key); err != nil {
			return false, err
		}
		run.Phase = PhaseConcluding
	}
	rulings, err := a.rulingsFor(ctx, run)
	if err != nil {
		return false, err
	}
	for _, step := range []func(context.Context, Run, Rulings, time.Time) (bool, error){a.settleAll, a.settleDeparted, a.warnAhead} {
		if more, err := step(ctx, run, rulings, until); more || err != nil {
			return more, err
		}
	}
	if err := a.endHolds(ctx); err != nil {
		return false, err
	}
	if err := a.releaseNotices(ctx, run, rulings); err != nil {
		return false, err
	}
	numbers, err := a.count(ctx, run, rulings)
	if err != nil {
		return false, err
	}
	if err := a.NoteStopped(ctx, key); err != nil {
		return false, err
	}
	if err := a.Ledger.Finish(ctx, key, numbers, a.Now()); err != nil {
		return false, err
	}
	a.Log.Info("run concluded", "run", key, "accounts", numbers.Accounts, "verified", numbers.Verified)
	return false, nil
}

// closeOpen gives every account that the window did not reach its word: not reached.
func (a *Auditor) closeOpen(ctx context.Context, run Run, until time.Time) (more bool, err error) {
	if run.Phase == PhasePlanning {
		if more, err := a.Plan(ctx, run.Key); more || err != nil {
			return more, err
		}
	}
	open, err := a.Ledger.OpenBatches(ctx, run.Key)
	if err != nil {
		return false, err
	}
	for _, b := range open {
		if time.Now().After(until) {
			return true, nil
		}
		batch, done, err := a.Ledger.LoadBatch(ctx, run.Key, b.N)
		if err != nil {
			return false, err
		}
		if done {
			continue
		}
		if err := a.closeUnreached(ctx, run, batch); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (a *Auditor) closeUnreached(ctx context.Context, run Run, batch Batch) error {
	w := &batchWork{Auditor: a, run: run, batch: batch}
	if batch.Try == 1 { // a second try that was not reached leaves the first one's word
		if err := w.load(ctx); err != nil {
			return err
		}
		var results []Recorded
		for _, acc := range w.todo {
			c := candidate{account: acc}
			if target, err := a.Resolve(ctx, acc); err == nil {
				c.target = target
			}
			results = append(results, Recorded{Result: w.unverified(c, "not reached")})
		}
		if err := a.Ledger.Record(ctx, run.Key, results); err != nil {
			return err
		}
	}
	return a.Ledger.CloseBatch(ctx, run.Key, batch.N, nil)
}

// rulingsFor asks the canaries once more and has the guards speak.
func (a *Auditor) rulingsFor(ctx context.Context, run Run) (Rulings, error) {
	if err := a.askCanaries(ctx, run, "after"); err != nil {
		return Rulings{}, err
	}
	rulings, err := a.rule(ctx, run)
	if err != nil {
		return rulings, err
	}
	return rulings, a.openUp(ctx, run, rulings)
}

func (a *Auditor) settleAll(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Unsettled(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1].AccountID
		if err := a.settlePage(ctx, run, rulings, page); err != nil {
			return false, err
		}
	}
}

func (a *Auditor) settlePage(ctx context.Context, run Run, rulings Rulings, page []State) error {
	accounts := ids(page, func(s State) string { return s.AccountID })
	mailing, err := a.Ledger.Mailing(ctx, accounts, run.StartedAt.Add(-mailsWithin))
	if err != nil {
		return err
	}
	var settlements []Settlement
	var drafts []Draft
	contacts := map[string]Account{}
	if loaded, err := a.Accounts.AccountsByID(ctx, accounts); err != nil {
		return err
	} else {
		for _, acc := range loaded {
			contacts[acc.ID] = acc
		}
	}
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	for _, state := range page {
		s := Settle(run, rulings.held(rulings.void(state), open))
		if a.Policy.Mode != ModeOff {
			if draft, ok := a.draft(run, &s, contacts[state.AccountID], mailing[state.AccountID]); ok {
				drafts = append(drafts, draft)
			}
		}
		settlements = append(settlements, s)
	}
	return a.Ledger.Settle(ctx, run, settlements, drafts)
}

// draft asks the cadence whether the account's customer is told tonight.
func (a *Auditor) draft(run Run, s *Settlement, acc Account, m Mailing) (Draft, bool) {
	tonight := s.State.Tonight
	asked := tonight.Verdict != Unverified && !tonight.Carried
	cadence := a.Policy.Cadence
	cadence.Shadow = a.Policy.Mode == ModeShadow
	s.Decision = cadence.decide(run.StartedAt, s.State.Settled, s.State.Told, asked, m)
	if s.Decision.Kind == "" {
		return Draft{}, false
	}
	item := NoticeItem{AccountID: acc.ID, Verdict: s.State.Settled.Verdict, Since: s.State.Settled.Since, Step: s.Decision.Step}
	if s.Decision.Kind == KindRecovered {
		item.Verdict = s.State.Told.Verdict
	}
	return Draft{
		Kind: s.Decision.Kind, TenantID: acc.TenantID, ContactEmail: FoldAddress(acc.ContactEmail),
		Provider: tonight.Provider, Thread: s.State.Told.NoticeID, Item: item,
	}, true
}

func (a *Auditor) settleDeparted(ctx context.Context, run Run, _ Rulings, until time.Time) (more bool, err error) {
	if !run.Scope.Whole() {
		return false, nil
	}
	for after := ""; ; {
		if time.Now().After(until) {
			return true, nil
		}
		page, err := a.Ledger.Departed(ctx, run, after, settlePage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		after = page[len(page)-1].AccountID
		settlements := make([]Settlement, len(page))
		for i, s := range page {
			settlements[i] = Left(run, s)
		}
		if err := a.Ledger.Settle(ctx, run, settlements, nil); err != nil {
			return false, err
		}
	}
}

// releaseNotices decides what becomes of the mails that this run has written.
func (a *Auditor) releaseNotices(ctx context.Context, run Run, rulings Rulings) error {
	forming, err := a.Ledger.Forming(ctx, run.Key)
	if err != nil {
		return err
	}
	holds, err := a.hold(ctx, run, rulings, forming)
	if err != nil {
		return err
	}
	kept, err := a.keeping(ctx, forming...)
	if err != nil {
		return err
	}
	for i := range forming {
		n := &forming[i]
		hold, isHeld := holds[n.Provider]
		why := kept.why(*n)
		if why == "" {
			if why, err = a.unreadable(ctx, *n); err != nil {
				return err
			}
		}
		switch {
		case why != "":
			n.State, n.Detail = NoticeSuppressed, why
		case rulings.Silenced != "":
			n.State, n.Detail = NoticeSuppressed, rulings.Silenced
		case a.Policy.Mode == ModeShadow:
			n.State, n.Detail = NoticeShadowed, "notices.mode is shadow"
		case isHeld && n.Kind != KindRecovered:
			n.State, n.Detail, n.HoldKey = NoticeHeld, hold.Why, hold.RunKey
		default:
			zone, err := a.zoneOf(ctx, *n)
			if err != nil {
				return err
			}
			n.State, n.DueAt = NoticeQueued, a.Policy.Hours.Next(a.Now(), zone)
		}
	}
	return a.Ledger.Release(ctx, forming)
}

func (a *Auditor) snoozed(ctx context.Context, now time.Time) (map[string]bool, error) {
	all, err := a.Ledger.Snoozes(ctx)
	if err != nil {
		return nil, err
	}
	tenants := map[string]bool{}
	for _, z := range all {
		tenants[z.TenantID] = now.Before(z.Until)
	}
	return tenants, nil
}

func (a *Auditor) zoneOf(ctx context.Context, n Notice) (*time.Location, error) {
	accounts, err := a.Accounts.AccountsByID(ctx, ids(n.Items, func(i NoticeItem) string { return i.AccountID }))
	if err != nil {
		return nil, err
	}
	for _, acc := range accounts {
		if acc.TimeZone == "" {
			continue
		}
		if zone, err := time.LoadLocation(acc.TimeZone); err == nil {
			return zone, nil
		}
	}
	return a.Policy.Zone, nil
}

func (a *Auditor) count(ctx context.Context, run Run, rulings Rulings) (Numbers, error) {
	var n Numbers
	if err := a.Ledger.Findings(ctx, run, func(f Finding) error { n.Count(f); return nil }); err != nil {
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
	n.Notices, err = a.Ledger.CountNotices(ctx, run.Key)
	return n, err
}
