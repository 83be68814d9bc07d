package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

const settlePage = 500

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
	if run.Phase != PhaseConcluding {
		if more, err := a.closeOpen(ctx, run, until); more || err != nil {
			return more, err
		}
		if err := a.Ledger.Conclude(ctx, key); err != nil {
			return false, err
		}
		if run, err = a.Ledger.LoadRun(ctx, key); err != nil || run.Phase != PhaseConcluding {
			return false, err
		}
	}
	rulings, err := a.rulingsFor(ctx, run)
	if err != nil {
		return false, err
	}
	for _, step := range []func(context.Context, Run, Rulings, time.Time) (bool, error){a.settleAll, a.noteMissing, a.settleDeparted, a.warnAll} {
		if more, err := step(ctx, run, rulings, until); more || err != nil {
			return more, err
		}
	}
	if err := a.goOnWithout(ctx, run, "the holds of accounts that work again", a.endHolds(ctx, run)); err != nil {
		return false, err
	}
	if err := a.releaseNotices(ctx, run, rulings); err != nil {
		return false, err
	}
	if err := a.goOnWithout(ctx, run, "the mails that wait for a re-check", a.Ledger.EndWaits(ctx, a.Now())); err != nil {
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

// goOnWithout gives back the error of a part of the conclusion that can be left out, unless the run goes on without it.
func (a *Auditor) goOnWithout(ctx context.Context, run Run, part string, err error) error {
	if err == nil || !a.spares(ctx, run, a.Ledger)(err) {
		return err
	}
	return a.setAside(ctx, run, AsidePart, part, a.Ledger, err)
}

// rulingsFor asks the canaries once more and has the guards speak.
func (a *Auditor) rulingsFor(ctx context.Context, run Run) (Rulings, error) {
	if err := a.goOnWithout(ctx, run, "the canaries after the run", a.askCanaries(ctx, run, "after")); err != nil {
		return Rulings{}, err
	}
	rulings, err := a.rule(ctx, run)
	if err != nil {
		return rulings, err
	}
	return rulings, a.openUp(ctx, run, rulings)
}

func (a *Auditor) settleAll(ctx context.Context, run Run, rulings Rulings, until time.Time) (more bool, err error) {
	aside, err := asidesOf(ctx, a.Ledger, run.Key)
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
		page = slices.DeleteFunc(page, func(id string) bool { return aside.has(AsideState, id) })
		if err := a.settlePage(ctx, run, rulings, page); err != nil {
			return false, err
		}
	}
}

func (a *Auditor) settlePage(ctx context.Context, run Run, rulings Rulings, page []string) error {
	contacts, unread, err := a.accounts(ctx, run, page)
	if err != nil {
		return err
	}
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return err
	}
	untold := map[string]error{} // accounts whose mail is due and whose contact cannot be read
	err = apart(page, a.spares(ctx, run, a.Ledger), func(some []string) error {
		states, err := a.Ledger.LoadStatesIn(ctx, run.Key, some)
		if err != nil {
			return err
		}
		mailing, err := a.Ledger.Mailing(ctx, some, run.StartedAt.Add(-mailsWithin))
		if err != nil {
			return err
		}
		var settlements []Settlement
		var drafts []Draft
		for _, id := range some {
			state := states[id]
			if state.Tonight == nil {
				continue // a later run has recorded it
			}
			s := Settle(run, rulings.held(rulings.void(state), open))
			if a.Policy.Mode != ModeOff {
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
	return a.setRowsAside(ctx, run, page, untold)
}

// leaveUnsettled goes on without an account that cannot be settled: the run's note says so.
func (a *Auditor) leaveUnsettled(ctx context.Context, run Run, id string, cause error) error {
	if err := a.setAside(ctx, run, AsideState, id, a.Ledger, cause); err != nil {
		return err
	}
	return a.noteUnverified(ctx, run, []string{id}, "our own fault: its state cannot be read or written")
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

// releaseNotices decides what becomes of the mails that this run has written, and ends those that earlier runs could
// not queue.
func (a *Auditor) releaseNotices(ctx context.Context, run Run, rulings Rulings) error {
	left, err := a.Ledger.Forming(ctx, "")
	if err != nil {
		return err
	}
	for i := range left {
		left[i].State, left[i].Detail = NoticeSuppressed, SetAside+"its run could not queue it"
	}
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
	accounts, err := a.accountsIn(ctx, run, forming)
	if err != nil {
		return err
	}
	for i := range forming {
		n := &forming[i]
		hold, isHeld := holds.open[n.Provider]
		why := kept.why(*n)
		if why == "" {
			why = unreadable(*n, accounts)
		}
		if why == "" && n.Kind != KindRecovered {
			why = holds.failed[n.Provider]
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
			n.State, n.DueAt = NoticeQueued, a.Policy.Hours.Next(a.Now(), a.zoneOf(*n, accounts))
		}
	}
	return a.releaseApart(ctx, run, append(forming, left...))
}

// SetAside begins the detail of a mail that could not be prepared or sent for a fault of ours.
const SetAside = "set aside: "

// releaseApart releases mails. One whose decision cannot be stored is suppressed, where that can.
func (a *Auditor) releaseApart(ctx context.Context, run Run, notices []Notice) error {
	return apart(notices, a.spares(ctx, run, a.Ledger), func(some []Notice) error {
		return a.Ledger.Release(ctx, some)
	}, func(n Notice, cause error) error {
		n.State, n.Detail, n.HoldKey = NoticeSuppressed, SetAside+"it could not be "+string(n.State), ""
		if err := a.Ledger.Release(ctx, []Notice{n}); err != nil && !a.spares(ctx, run, a.Ledger)(err) {
			return err
		}
		return a.setAside(ctx, run, AsideMail, fmt.Sprintf("M-%d", n.ID), a.Ledger, cause)
	})
}

// accountsIn reads the accounts of notices, those whose rows cannot be read left out.
func (a *Auditor) accountsIn(ctx context.Context, run Run, notices []Notice) (map[string]Account, error) {
	all := map[string]Account{}
	var named []string
	for _, n := range notices {
		named = append(named, ids(n.Items, func(i NoticeItem) string { return i.AccountID })...)
	}
	for some := range slices.Chunk(named, settlePage) {
		accounts, _, err := a.accounts(ctx, run, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, accounts)
	}
	return all, nil
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

// zoneOf is the first time zone that an account of the notice names.
func (a *Auditor) zoneOf(n Notice, accounts map[string]Account) *time.Location {
	for _, item := range n.Items {
		name := accounts[item.AccountID].TimeZone
		if name == "" {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return a.Policy.Zone
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
