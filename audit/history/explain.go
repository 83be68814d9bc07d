// Package history reads what the runs left behind: it explains why an account's customer was or was not told, walks over
// the findings of any run as they stood, and takes away what is older than retention.
//
// It goes by what was kept and decides nothing anew. But for retention it must never write.
package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// Reader reads the past of one installation.
type Reader struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Outbox   Waiter
	Policy   audit.Policy
	Now      func() time.Time
	Log      *slog.Logger
}

// Waiter says what a queued notice waits for; "" if it may leave now.
type Waiter interface {
	Waits(ctx context.Context, caps audit.Caps, n audit.Notice) (string, error)
	// SuppressReason tells why a queued notice will not leave at all; "" if it may.
	SuppressReason(ctx context.Context, n audit.Notice) (string, error)
}

// explainStore is what this file needs of the store. The contracts are in package audit.
type explainStore interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	History(ctx context.Context, accountID string) (audit.History, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Explanation is why an account's customer was or was not told, since the present finding began.
type Explanation struct {
	AccountID string
	Known     bool // a run has asked the account
	State     audit.State
	Heard     Heard
	Events    []Event // in the order of time
}

// Event is one night of the account, or a mail that no night wrote.
type Event struct {
	At       time.Time
	RunKey   string // "" for what happened between two runs
	Verdict  audit.Verdict
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
func (a *Reader) Explain(ctx context.Context, caps audit.Caps, id string) (Explanation, error) {
	e := Explanation{AccountID: id}
	states, err := a.Ledger.LoadStates(ctx, []string{id})
	if err != nil {
		return e, err
	}
	if e.State, e.Known = states[id]; !e.Known {
		accounts, err := a.Accounts.AccountsByID(ctx, []string{id})
		if err == nil && len(accounts) == 0 {
			err = fmt.Errorf("account %q: %w", id, audit.ErrNoAccount)
		}
		return e, err
	}
	h, err := a.Ledger.History(ctx, id)
	if err != nil {
		return e, err
	}
	t := explainer{Reader: a, caps: caps, id: id, history: h, state: e.State}
	runs, err := a.Ledger.ListRuns(ctx, nightsExplained, false)
	if err != nil {
		return e, err
	}
	slices.Reverse(runs)
	from := lastTurn(h)
	var since time.Time // what was mailed after the last night of the verdict before may have ended that one
	for _, run := range runs {
		if run.Seq < from {
			if run.Scope.Whole() && run.Status == audit.RunConcluded {
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
	e.Heard = heardOf(h, e.State, since)
	e.Events = append(e.Events, between...)
	slices.SortStableFunc(e.Events, func(x, y Event) int { return x.At.Compare(y.At) })
	return e, nil
}

// lastTurn is the Seq of the run in which the account last came to another verdict.
func lastTurn(h audit.History) int64 {
	var seq int64
	var last audit.Verdict
	for _, c := range h.Changes {
		if c.Verdict != last {
			seq, last = c.Seq, c.Verdict
		}
	}
	return seq
}

// explainer goes through an account's nights from its last turn on and keeps count as the runs did.
type explainer struct {
	*Reader
	caps    audit.Caps
	id      string
	history audit.History
	state   audit.State   // as it is now
	settled audit.Settled // as the runs left it, one after the other
}

// night explains one run; ok is false if the run says nothing of the account.
func (t *explainer) night(ctx context.Context, run audit.Run) (e Event, ok bool, err error) {
	e = Event{At: run.StartedAt, RunKey: run.Key}
	if run.Status == audit.RunStopped {
		e.Decision, e.Why = "not told", "the run was stopped before it asked anyone: "+run.StopReason
		return e, run.Scope.Whole(), nil
	}
	if run.Status != audit.RunConcluded {
		return e, false, nil
	}
	f, ok := t.finding(run)
	if !ok {
		return e, false, nil
	}
	e.Verdict = f.Verdict
	switch {
	case f.Verdict == audit.Unverified || f.Carried:
		e.Reason = f.Reason
	case f.ByTraffic || t.history.ByTraffic[run.Key] && f.Verdict.Fine():
		e.Reason = "not asked: the product had sent mail by the same credential"
	}
	rulings, kept, err := t.keptRulings(ctx, run.Key)
	if err != nil {
		return e, false, err
	}
	if f.Verdict != audit.Unverified {
		decide.SettleVerdict(run, audit.Result{Judgement: audit.Judgement{Verdict: f.Verdict, TwoFactor: f.TwoFactor, Certainty: f.Certainty, Actor: f.Actor},
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
func (t *explainer) finding(run audit.Run) (audit.Finding, bool) {
	if f, noted := t.history.Notes[run.Key]; noted {
		return f, true
	}
	if !run.Scope.Whole() {
		return audit.Finding{}, false
	}
	var f audit.Finding
	found := false
	for _, c := range t.history.Changes {
		if c.Seq > run.Seq {
			break
		}
		f, found = audit.Finding{
			AccountID: c.AccountID, Provider: c.Provider, Verdict: c.Verdict, TwoFactor: c.TwoFactor, Certainty: c.Certainty,
			Actor: c.Actor, Since: c.Since, Rule: c.Rule, Reply: c.Reply, Reason: c.Reason,
		}, true
	}
	return f, found
}

func (t *explainer) notice(key string) (audit.Notice, bool) {
	for _, n := range t.history.Notices {
		if n.RunKey == key {
			return n, true
		}
	}
	return audit.Notice{}, false
}

// outcome says what became of a notice.
func (t *explainer) outcome(ctx context.Context, n audit.Notice) (decision, why string, err error) {
	text := map[audit.NoticeKind]string{
		audit.KindFinding: "first notice", audit.KindReminder: "reminder", audit.KindRecovered: "that it works again", audit.KindCorrection: "that an earlier mail was wrong", audit.KindAhead: "warning ahead",
	}[n.Kind]
	switch n.State {
	case audit.NoticeSent:
		return "told", text + ", sent " + audit.FormatMinute(n.SentAt), nil
	case audit.NoticeAmbiguous:
		return string(audit.NoticeAmbiguous), text + ", which may or may not have arrived: " + n.Detail, nil
	case audit.NoticeQueued:
		if why, err := t.Outbox.SuppressReason(ctx, n); why != "" || err != nil {
			return string(audit.NoticeQueued), text + ", will not be sent: " + why, err
		}
		waits, err := t.Outbox.Waits(ctx, t.caps, n)
		switch {
		case err != nil:
			return "", "", err
		case n.DueAt.After(t.Now()):
			waits = "due " + audit.FormatMinute(n.DueAt)
		case waits == "":
			waits = "due now; nothing has delivered it yet"
		}
		return string(audit.NoticeQueued), text + ": " + waits + t.recheckFirst(n), nil
	case audit.NoticeSending, audit.NoticeForming:
		return string(audit.NoticeQueued), text + ", under way", nil
	case audit.NoticeHeld:
		return string(audit.NoticeHeld), text + ", waits for a person: " + n.Detail, nil
	}
	return string(n.State), text + ": " + n.Detail, nil
}

// recheckFirst says that the account's refusal is too old for the notice to leave on at its hour.
func (t *explainer) recheckFirst(n audit.Notice) string {
	leaves := audit.Latest(t.Now(), n.DueAt)
	if !n.Kind.TellsFailure() || n.WaitsUntil.After(t.Now()) || !t.state.Settled.Verdict.Failing() || t.state.Fresh(leaves) {
		return ""
	}
	seen := "an unknown time"
	if !t.state.SeenAt.IsZero() {
		seen = audit.FormatMinute(t.state.SeenAt)
	}
	return "; re-checked before it leaves, for the last refusal is of " + seen
}

// silence says why a run wrote nothing about the account.
func (t *explainer) silence(run audit.Run, f audit.Finding, r decide.Rulings, kept bool) string {
	mode, cadence := t.Policy.Mode, t.Policy.Cadence
	if kept && r.Mode != "" {
		mode, cadence = r.Mode, r.Cadence
	}
	if mode == audit.ModeOff {
		return "notices.mode was off"
	}
	if f.Verdict == audit.Gone {
		return "the account had left the source"
	}
	cadence.Shadow = mode == audit.ModeShadow
	asked := f.Verdict != audit.Unverified && !f.Carried
	told, mailing := t.toldBefore(run.StartedAt)
	d := decide.NextMail(cadence, run.StartedAt, t.settled, told, asked, mailing)
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
func (t *explainer) toldBefore(at time.Time) (told audit.Told, m audit.Mailing) {
	for _, n := range t.history.Notices {
		if !n.CreatedAt.Before(at) {
			break
		}
		item, ok := n.Item(t.id)
		if !ok {
			continue
		}
		left := n.SentAt
		switch n.State {
		case audit.NoticeQueued, audit.NoticeHeld, audit.NoticeSending, audit.NoticeForming:
			m.Pending, m.Closing = true, m.Closing || n.Kind.Closes()
			m.Lately += lately(n, at)
			continue
		case audit.NoticeSuppressed:
			continue
		case audit.NoticeShadowed, audit.NoticeFailed, audit.NoticeAmbiguous:
			left = audit.Latest(n.DueAt, n.CreatedAt)
		}
		if n.State != audit.NoticeShadowed && n.State != audit.NoticeFailed {
			m.Lately += lately(n, at)
		}
		if !left.Before(at) {
			m.Pending, m.Closing = true, m.Closing || n.Kind.Closes()
			continue
		}
		told = told.After(n, item, left)
	}
	return told, m
}

func lately(n audit.Notice, at time.Time) int {
	if audit.Latest(n.CreatedAt, n.SentAt).Before(at.Add(-decide.MailWindow)) {
		return 0
	}
	return 1
}

// between are the mails from since on that no run wrote.
func (t *explainer) between(ctx context.Context, since time.Time) ([]Event, error) {
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

// keptRulings returns what the guards have said of a run; ok is false if that is not kept, or cannot be read.
func (a *Reader) keptRulings(ctx context.Context, key string) (r decide.Rulings, ok bool, err error) {
	facts, err := a.Ledger.Facts(ctx, key, decide.RulingsFact)
	if err != nil {
		return r, false, err
	}
	r, ok, unread := decide.KeptRulings(facts)
	if unread != nil {
		a.Log.Error("what the guards have said of a run cannot be read", "run", key, "err", unread)
	}
	return r, ok, nil
}
