package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/audit/outbox"
)

// releaseStore is what this file needs of the store. The contracts are in package audit.
type releaseStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	OpenHolds(ctx context.Context) ([]audit.Hold, error)
	HeldNotices(ctx context.Context, h audit.Hold) ([]audit.Notice, error)
	DecideHold(ctx context.Context, h audit.Hold, keep []int64, detail string, due time.Time) error
	SeenAgain(ctx context.Context, states []audit.State) error
	Reschedule(ctx context.Context, id int64, due time.Time) error
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Released is what the release of a hold did.
type Released struct {
	Held      int // mails that were on hold
	Accounts  int // in the hold
	Failing   int // still, and mailed
	Recovered int // accepted now
	Otherwise int // refused for another reason than was held: the next run judges them
	Unasked   int // could not be asked, or gave no answer: left to the next run
	Queued    int // mails
	OnHold    int // mails that stay on hold, where an announced change alone was released
	First     time.Time
	Last      time.Time // when the first and the last of them are due
}

// ErrNobodyAsked: no account of a hold could be asked again, so it stays.
var ErrNobodyAsked = errors.New("no account of the hold could be re-checked")

// Release asks the accounts of an open hold again and has the mails leave about those that are still refused
// alike. Accounts that are accepted have their finding ended. It returns ErrNoHold with the open holds named,
// or ErrNobodyAsked.
func (d *Desk) Release(ctx context.Context, key, provider, who, why string) (Released, error) {
	r, err := d.held(ctx, key, provider)
	if err != nil {
		return Released{}, err
	}
	if err := d.act(ctx, who, "notices release", key+" "+provider, why); err != nil {
		return Released{}, err
	}
	if err := r.ask(ctx); err != nil {
		return r.out, err
	}
	if r.out.Accounts > 0 && r.out.Unasked == r.out.Accounts {
		return r.out, fmt.Errorf("%w (today's attempts are used up, or the provider does not answer): it stays open, try again tomorrow", ErrNobodyAsked)
	}
	return r.out, r.decide(ctx, who)
}

// Discard ends an open hold; none of its notices is mailed.
func (d *Desk) Discard(ctx context.Context, key, provider, who, why string) (notices int, err error) {
	hold, err := d.OpenHold(ctx, key, provider)
	if err != nil {
		return 0, err
	}
	if err := d.act(ctx, who, "notices discard", key+" "+provider, why); err != nil {
		return 0, err
	}
	hold.State, hold.DecidedAt, hold.DecidedBy = audit.HoldDiscarded, d.Now(), who
	if err := d.Ledger.DecideHold(ctx, hold, nil, "discarded by "+who, d.Now()); err != nil {
		return 0, err
	}
	return hold.Notices, d.noteDecision(ctx, hold, "nothing is mailed")
}

// held is an open hold with its notices, of which nothing is asked or decided yet.
func (d *Desk) held(ctx context.Context, key, provider string) (release, error) {
	hold, err := d.OpenHold(ctx, key, provider)
	if err != nil {
		return release{}, err
	}
	held, err := d.Ledger.HeldNotices(ctx, hold)
	return release{Desk: d, hold: hold, held: held, answers: map[string]answer{}}, err
}

// OpenHold returns the hold that a run has opened for a provider. It returns ErrNoHold, with the open holds named, if it is
// not open.
func (d *Desk) OpenHold(ctx context.Context, key, provider string) (audit.Hold, error) {
	open, err := d.Ledger.OpenHolds(ctx)
	if err != nil {
		return audit.Hold{}, err
	}
	var names []string
	for _, h := range open {
		if h.RunKey == key && h.Provider == provider {
			return h, nil
		}
		names = append(names, fmt.Sprintf("--run %s --provider %s", h.RunKey, h.Provider))
	}
	if len(names) == 0 {
		return audit.Hold{}, fmt.Errorf("run %s, provider %s: %w; none is open", key, provider, audit.ErrNoHold)
	}
	return audit.Hold{}, fmt.Errorf("run %s, provider %s: %w; open are %s", key, provider, audit.ErrNoHold, strings.Join(names, ", "))
}

type answer string

const (
	answerNone      answer = "could not be re-checked: left to the next run"
	answerFailing   answer = "still fails"
	answerRecovered answer = outbox.WorksAgain
	answerOtherwise answer = "the provider says something else now; the next run judges it"
)

// release is one hold on its way.
type release struct {
	*Desk
	hold    audit.Hold
	held    []audit.Notice
	answers map[string]answer
	beside  map[string]bool // accounts in held that are not released, and not asked
	out     Released
}

// queued counts a mail that is due at a moment.
func (r *Released) queued(due time.Time) {
	if r.Queued++; r.First.IsZero() || due.Before(r.First) {
		r.First = due
	}
	r.Last = audit.Latest(r.Last, due)
}

func (r *release) ask(ctx context.Context) error {
	r.out.Held = len(r.held)
	for _, n := range r.held {
		for _, item := range n.Items {
			if !r.beside[item.AccountID] {
				r.answers[item.AccountID] = answerNone
			}
		}
	}
	return r.askAll(ctx)
}

// askAll asks the accounts that have an entry in answers, and keeps what each said there.
func (r *release) askAll(ctx context.Context) error {
	var wanted []string
	for id := range r.answers {
		wanted = append(wanted, id)
	}
	states, err := r.Ledger.LoadStates(ctx, wanted)
	if err != nil {
		return err
	}
	accounts, sealed, err := r.Ask.WithSecrets(ctx, audit.Run{}, wanted)
	if err != nil {
		return err
	}
	var all []ask.Subject
	for id, acc := range accounts {
		if c, reason := r.Ask.Candidate(ctx, acc, states[id], sealed[id]); reason == "" {
			all = append(all, ask.Subject{Candidate: c, Before: states[id]})
		}
	}
	asker, err := r.askedToday(ctx)
	if err != nil {
		return err
	}
	results, _, err := r.Ask.AskAll(ctx, all, asker)
	if err != nil {
		return err
	}
	var remedied, refused []audit.State
	for id, result := range results {
		st := states[id]
		r.answers[id] = again(st.Settled.Verdict, result.Verdict)
		switch {
		case !st.Settled.Verdict.Failing():
		case r.answers[id] == answerRecovered:
			remedied = append(remedied, decide.Remedy(st, result, r.Now()))
		case r.answers[id] == answerFailing:
			st.SeenAt = result.At
			refused = append(refused, st)
		}
	}
	r.count()
	if err := r.Ledger.SeenAgain(ctx, refused); err != nil {
		return err
	}
	_, _, err = r.remedy(ctx, remedied)
	return err
}

// again compares what was held with what the provider says now. Revoked and invalid are one refusal: which
// of them it is depends on what we knew, not on the provider.
func again(held, now audit.Verdict) answer {
	alike := func(v audit.Verdict) audit.Verdict {
		if v == audit.Invalid {
			return audit.Revoked
		}
		return v
	}
	switch {
	case now == audit.Unverified:
		return answerNone
	case now.Fine():
		return answerRecovered
	case alike(now) == alike(held):
		return answerFailing
	}
	return answerOtherwise
}

func (r *release) count() {
	r.out.Accounts = len(r.answers)
	for _, a := range r.answers {
		switch a {
		case answerFailing:
			r.out.Failing++
		case answerRecovered:
			r.out.Recovered++
		case answerOtherwise:
			r.out.Otherwise++
		default:
			r.out.Unasked++
		}
	}
}

// decide ends the hold. Its mails are queued for the latest of their hours and then each for its own, so
// that none leaves too early if we die in between.
func (r *release) decide(ctx context.Context, who string) error {
	var keep []int64
	due := map[int64]time.Time{}
	accounts, err := r.Outbox.AccountsIn(ctx, audit.Run{}, r.held)
	if err != nil {
		return err
	}
	for _, n := range r.held {
		left, err := r.narrow(ctx, n)
		if err != nil {
			return err
		}
		if !left {
			continue
		}
		keep = append(keep, n.ID)
		due[n.ID] = decide.NextHour(r.Policy.Hours, r.Now(), r.Outbox.ZoneOf(n, accounts))
		r.out.queued(due[n.ID])
	}
	h := r.hold
	h.State, h.DecidedAt, h.DecidedBy = audit.HoldReleased, r.Now(), who
	if err := r.Ledger.DecideHold(ctx, h, keep, string(answerNone), r.out.Last); err != nil {
		return err
	}
	for id, at := range due {
		if err := r.Ledger.Reschedule(ctx, id, at); err != nil {
			return err
		}
	}
	return r.noteDecision(ctx, h, fmt.Sprintf("%d of %d accounts still failing and e-mailed", r.out.Failing, r.out.Accounts))
}

// narrow leaves in a held notice the accounts that still fail, and reports whether any is left.
func (r *release) narrow(ctx context.Context, n audit.Notice) (left bool, err error) {
	kept, err := r.Outbox.KeepIn(ctx, n, func(id string) string {
		switch {
		case r.beside[id]:
			return notAnnounced
		case r.answers[id] == answerFailing:
			return ""
		}
		return string(r.answers[id])
	})
	return kept > 0, err
}

// noteDecision keeps with the run that opened the hold what a person decided.
func (d *Desk) noteDecision(ctx context.Context, h audit.Hold, outcome string) error {
	text := fmt.Sprintf("%s by %s, %s: %s", h.State, h.DecidedBy, audit.FormatMinute(h.DecidedAt), outcome)
	_, err := d.Ledger.KeepFact(ctx, h.RunKey, audit.DecidedFact+h.Provider, text)
	return err
}
