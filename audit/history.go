package audit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// History is what is kept of one account's past.
type History struct {
	Changes []Change           // by ascending Seq
	Notes   map[string]Finding // by run key: nights that the changes cannot tell
	Notices []Notice           // that name the account, by ascending ID
}

// Explanation is why an account's customer was or was not told, since the present finding began.
type Explanation struct {
	AccountID string
	Known     bool // a run has asked the account
	State     State
	Heard     Heard
	Events    []Event // in the order of time
}

// Event is one night of the account, or a mail that no night wrote.
type Event struct {
	At       time.Time
	RunKey   string // "" for what happened between two runs
	Verdict  Verdict
	Reason   string // of a night without a verdict, or with one that was carried over
	Decision string // "told", "not told", or the state of a notice that is not known to have arrived
	Why      string
	Notice   int64 // 0 if none was written
}

// nightsExplained bounds how far back an explanation looks.
const nightsExplained = 400

// Explain tells why the account's customer was or was not told. It goes by what the runs kept: verdicts,
// rulings, notices, and the cadence that was configured then. ErrNoAccount if neither the source nor the
// history has it.
func (a *Auditor) Explain(ctx context.Context, caps Caps, id string) (Explanation, error) {
	e := Explanation{AccountID: id}
	states, err := a.Ledger.LoadStates(ctx, []string{id})
	if err != nil {
		return e, err
	}
	if e.State, e.Known = states[id]; !e.Known {
		accounts, err := a.Accounts.AccountsByID(ctx, []string{id})
		if err == nil && len(accounts) == 0 {
			err = fmt.Errorf("account %q: %w", id, ErrNoAccount)
		}
		return e, err
	}
	h, err := a.Ledger.History(ctx, id)
	if err != nil {
		return e, err
	}
	t := teller{Auditor: a, caps: caps, id: id, history: h, state: e.State}
	runs, err := a.Ledger.ListRuns(ctx, nightsExplained, false)
	if err != nil {
		return e, err
	}
	slices.Reverse(runs)
	from := h.lastTurn()
	var since time.Time // what was mailed after the last night of the verdict before may have ended that one
	for _, run := range runs {
		if run.Seq < from {
			if run.Scope.Whole() && run.Status == RunConcluded {
				since = run.StartedAt
			}
			continue
		}
		event, ok, err := t.night(ctx, run)
		if err != nil {
			return e, err
		}
		if ok {
			e.Events = append(e.Events, event)
		}
	}
	between, err := t.between(ctx, since)
	if err != nil {
		return e, err
	}
	e.Heard = h.heard(e.State, since)
	e.Events = append(e.Events, between...)
	slices.SortStableFunc(e.Events, func(x, y Event) int { return x.At.Compare(y.At) })
	return e, nil
}

// lastTurn is the Seq of the run in which the account last came to another verdict.
func (h History) lastTurn() int64 {
	var seq int64
	var last Verdict
	for _, c := range h.Changes {
		if c.Verdict != last {
			seq, last = c.Seq, c.Verdict
		}
	}
	return seq
}

// teller goes through an account's nights from its last turn on and keeps count as the runs did.
type teller struct {
	*Auditor
	caps    Caps
	id      string
	history History
	state   State   // as it is now
	settled Settled // as the runs left it, one after the other
}

// night explains one run; ok is false if the run says nothing of the account.
func (t *teller) night(ctx context.Context, run Run) (e Event, ok bool, err error) {
	e = Event{At: run.StartedAt, RunKey: run.Key}
	if run.Status == RunStopped {
		e.Decision, e.Why = "not told", "the run was stopped before it asked anyone: "+run.StopReason
		return e, run.Scope.Whole(), nil
	}
	if run.Status != RunConcluded {
		return e, false, nil
	}
	f, ok := t.finding(run)
	if !ok {
		return e, false, nil
	}
	e.Verdict = f.Verdict
	if f.Verdict == Unverified || f.Carried {
		e.Reason = f.Reason
	}
	rulings, kept, err := t.keptRulings(ctx, run.Key)
	if err != nil {
		return e, false, err
	}
	if f.Verdict != Unverified {
		settleVerdict(run, Result{Judgement: Judgement{Verdict: f.Verdict, TwoFactor: f.TwoFactor, Certainty: f.Certainty, Actor: f.Actor},
			Rule: f.Rule, Reply: f.Reply, Reason: f.Reason, Carried: f.Carried}, &t.settled)
	}
	if n, written := t.notice(run.Key); written {
		e.Notice = n.ID
		e.Decision, e.Why, err = t.outcome(ctx, n)
		return e, true, err
	}
	e.Decision, e.Why = "not told", t.silence(run, f, rulings, kept)
	return e, true, nil
}

// finding is the night's word on the account: the run's own note, else the history as it stood.
func (t *teller) finding(run Run) (Finding, bool) {
	if f, noted := t.history.Notes[run.Key]; noted {
		return f, true
	}
	if !run.Scope.Whole() {
		return Finding{}, false
	}
	var f Finding
	found := false
	for _, c := range t.history.Changes {
		if c.Seq > run.Seq {
			break
		}
		f, found = Finding{
			AccountID: c.AccountID, Provider: c.Provider, Verdict: c.Verdict, TwoFactor: c.TwoFactor, Certainty: c.Certainty,
			Actor: c.Actor, Since: c.Since, Rule: c.Rule, Reply: c.Reply, Reason: c.Reason,
		}, true
	}
	return f, found
}

func (t *teller) notice(key string) (Notice, bool) {
	for _, n := range t.history.Notices {
		if n.RunKey == key {
			return n, true
		}
	}
	return Notice{}, false
}

// outcome says what became of a notice.
func (t *teller) outcome(ctx context.Context, n Notice) (decision, why string, err error) {
	text := map[NoticeKind]string{
		KindFinding: "first notice", KindReminder: "reminder", KindRecovered: "that it works again", KindCorrection: "that an earlier mail was wrong", KindAhead: "warning ahead",
	}[n.Kind]
	switch n.State {
	case NoticeSent:
		return "told", text + ", sent " + minute(n.SentAt), nil
	case NoticeAmbiguous:
		return string(NoticeAmbiguous), text + ", which may or may not have arrived: " + n.Detail, nil
	case NoticeQueued:
		waits, err := t.Waits(ctx, t.caps, n)
		switch {
		case err != nil:
			return "", "", err
		case n.DueAt.After(t.Now()):
			waits = "due " + minute(n.DueAt)
		case waits == "":
			waits = "due now; nothing has delivered it yet"
		}
		return string(NoticeQueued), text + ": " + waits + t.recheckFirst(n), nil
	case NoticeSending, NoticeForming:
		return string(NoticeQueued), text + ", under way", nil
	case NoticeHeld:
		return string(NoticeHeld), text + ", waits for a person: " + n.Detail, nil
	}
	return string(n.State), text + ": " + n.Detail, nil
}

// recheckFirst says that the account's refusal is too old for the notice to leave on at its hour.
func (t *teller) recheckFirst(n Notice) string {
	leaves := latest(t.Now(), n.DueAt)
	if !n.Kind.TellsFailure() || n.WaitsUntil.After(t.Now()) || !t.state.Settled.Verdict.Failing() || t.state.Fresh(leaves) {
		return ""
	}
	seen := "an unknown time"
	if !t.state.SeenAt.IsZero() {
		seen = minute(t.state.SeenAt)
	}
	return "; re-checked before it leaves, for the last refusal is of " + seen
}

// silence says why a run wrote nothing about the account.
func (t *teller) silence(run Run, f Finding, r Rulings, kept bool) string {
	mode, cadence := t.Policy.Mode, t.Policy.Cadence
	if kept && r.Mode != "" {
		mode, cadence = r.Mode, r.Cadence
	}
	if mode == ModeOff {
		return "notices.mode was off"
	}
	if f.Verdict == Gone {
		return "the account had left the source"
	}
	cadence.Shadow = mode == ModeShadow
	asked := f.Verdict != Unverified && !f.Carried
	told, mailing := t.toldBefore(run.StartedAt)
	d := cadence.decide(run.StartedAt, t.settled, told, asked, mailing)
	switch {
	case d.Kind != "":
		return "a mail was due (" + d.Why + "), and the account was taken out of it before it left"
	case f.Carried:
		return f.Reason
	case !asked && f.Reason != "":
		return d.Why + ": " + f.Reason
	}
	return d.Why
}

// toldBefore is what the customer knew at t, and which mails were on their way then.
func (t *teller) toldBefore(at time.Time) (told Told, m Mailing) {
	for _, n := range t.history.Notices {
		if !n.CreatedAt.Before(at) {
			break
		}
		item, ok := n.item(t.id)
		if !ok {
			continue
		}
		left := n.SentAt
		switch n.State {
		case NoticeQueued, NoticeHeld, NoticeSending, NoticeForming:
			m.Pending, m.Closing = true, m.Closing || n.Kind.closes()
			m.Lately += lately(n, at)
			continue
		case NoticeSuppressed:
			continue
		case NoticeShadowed, NoticeFailed, NoticeAmbiguous:
			left = latest(n.DueAt, n.CreatedAt)
		}
		if n.State != NoticeShadowed && n.State != NoticeFailed {
			m.Lately += lately(n, at)
		}
		if !left.Before(at) {
			m.Pending, m.Closing = true, m.Closing || n.Kind.closes()
			continue
		}
		told = told.after(n, item, left)
	}
	return told, m
}

func lately(n Notice, at time.Time) int {
	if latest(n.CreatedAt, n.SentAt).Before(at.Add(-mailsWithin)) {
		return 0
	}
	return 1
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// after is what the customer knows once a notice has left.
func (t Told) after(n Notice, item NoticeItem, at time.Time) Told {
	if item.Step == 0 {
		return Told{}
	}
	if item.Step == 1 || t.Step == 0 {
		t.FirstAt, t.NoticeID = at, n.ID
	}
	t.Step, t.Verdict, t.At, t.Shadow = item.Step, item.Verdict, at, n.State == NoticeShadowed
	return t
}

func (n Notice) item(accountID string) (NoticeItem, bool) {
	i := slices.IndexFunc(n.Items, func(i NoticeItem) bool { return i.AccountID == accountID })
	if i < 0 {
		return NoticeItem{}, false
	}
	return n.Items[i], true
}

// between are the mails from since on that no run wrote.
func (t *teller) between(ctx context.Context, since time.Time) ([]Event, error) {
	var all []Event
	for _, n := range t.history.Notices {
		if n.RunKey != "" || n.CreatedAt.Before(since) {
			continue
		}
		e := Event{At: n.CreatedAt, Notice: n.ID}
		var err error
		if e.Decision, e.Why, err = t.outcome(ctx, n); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
