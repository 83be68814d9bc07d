package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Released is what the release of a hold did.
type Released struct {
	Accounts  int // in the hold
	Failing   int // still, and mailed
	Mended    int // accepted now
	Otherwise int // refused for another reason than was held: the next run judges them
	Unasked   int // could not be asked, or gave no answer: left to the next run
	Queued    int // mails
	First     time.Time
	Last      time.Time // when the first and the last of them are due
}

// ErrNobodyAsked: no account of a hold could be asked again, so it stays.
var ErrNobodyAsked = errors.New("no account of the hold could be asked again")

// Release asks the accounts of an open hold again and has the mails leave about those that are still refused
// alike. Accounts that are accepted have their finding ended. It returns ErrNoHold with the open holds named,
// or ErrNobodyAsked.
func (a *Auditor) Release(ctx context.Context, key, provider, who, why string) (Released, error) {
	hold, err := a.openHold(ctx, key, provider)
	if err != nil {
		return Released{}, err
	}
	if err := a.act(ctx, who, "notices release", key+" "+provider, why); err != nil {
		return Released{}, err
	}
	held, err := a.Ledger.HeldNotices(ctx, hold)
	if err != nil {
		return Released{}, err
	}
	r := release{Auditor: a, hold: hold, held: held, answers: map[string]answer{}}
	if err := r.ask(ctx); err != nil {
		return r.out, err
	}
	if r.out.Accounts > 0 && r.out.Unasked == r.out.Accounts {
		return r.out, fmt.Errorf("%w (today's attempts are used up, or the provider does not answer): it stays open, try again tomorrow", ErrNobodyAsked)
	}
	return r.out, r.decide(ctx, who)
}

// Discard ends an open hold; none of its notices is mailed.
func (a *Auditor) Discard(ctx context.Context, key, provider, who, why string) (notices int, err error) {
	hold, err := a.openHold(ctx, key, provider)
	if err != nil {
		return 0, err
	}
	if err := a.act(ctx, who, "notices discard", key+" "+provider, why); err != nil {
		return 0, err
	}
	hold.State, hold.DecidedAt, hold.DecidedBy = HoldDiscarded, a.Now(), who
	if err := a.Ledger.DecideHold(ctx, hold, nil, "discarded by "+who, a.Now()); err != nil {
		return 0, err
	}
	return hold.Notices, a.noteDecision(ctx, hold, "nothing is mailed")
}

func (a *Auditor) openHold(ctx context.Context, key, provider string) (Hold, error) {
	open, err := a.Ledger.OpenHolds(ctx)
	if err != nil {
		return Hold{}, err
	}
	var names []string
	for _, h := range open {
		if h.RunKey == key && h.Provider == provider {
			return h, nil
		}
		names = append(names, fmt.Sprintf("--run %s --provider %s", h.RunKey, h.Provider))
	}
	if len(names) == 0 {
		return Hold{}, fmt.Errorf("run %s, provider %s: %w; none is open", key, provider, ErrNoHold)
	}
	return Hold{}, fmt.Errorf("run %s, provider %s: %w; open are %s", key, provider, ErrNoHold, strings.Join(names, ", "))
}

type answer string

const (
	answerNone      answer = "could not be asked again; the next run tells"
	answerFailing   answer = "still fails"
	answerMended    answer = worksAgain
	answerOtherwise answer = "the provider says something else now; the next run judges it"
)

// release is one hold on its way.
type release struct {
	*Auditor
	hold    Hold
	held    []Notice
	answers map[string]answer
	out     Released
}

func (r *release) ask(ctx context.Context) error {
	for _, n := range r.held {
		for _, item := range n.Items {
			r.answers[item.AccountID] = answerNone
		}
	}
	var wanted []string
	for id := range r.answers {
		wanted = append(wanted, id)
	}
	states, err := r.Ledger.LoadStates(ctx, wanted)
	if err != nil {
		return err
	}
	accounts, sealed, err := r.withSecrets(ctx, Run{}, wanted)
	if err != nil {
		return err
	}
	var all []asking
	for id, acc := range accounts {
		if c, reason := r.candidate(ctx, acc, sealed[id]); reason == "" {
			all = append(all, asking{c, states[id]})
		}
	}
	results, _, err := r.askAll(ctx, all, r.asker(r.Policy.Attempts))
	if err != nil {
		return err
	}
	var mended, refused []State
	for id, result := range results {
		st := states[id]
		r.answers[id] = again(st.Settled.Verdict, result.Verdict)
		switch {
		case !st.Settled.Verdict.Failing():
		case r.answers[id] == answerMended:
			mended = append(mended, Mend(st, result, r.Now()))
		case r.answers[id] == answerFailing:
			st.SeenAt = result.At
			refused = append(refused, st)
		}
	}
	r.count()
	if err := r.Ledger.SeenAgain(ctx, refused); err != nil {
		return err
	}
	_, _, err = r.mend(ctx, mended)
	return err
}

// again compares what was held with what the provider says now. Revoked and invalid are one refusal: which
// of them it is depends on what we knew, not on the provider.
func again(held, now Verdict) answer {
	alike := func(v Verdict) Verdict {
		if v == Invalid {
			return Revoked
		}
		return v
	}
	switch {
	case now == Unverified:
		return answerNone
	case now.Fine():
		return answerMended
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
		case answerMended:
			r.out.Mended++
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
	accounts, err := r.accountsIn(ctx, Run{}, r.held)
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
		due[n.ID] = r.Policy.Hours.Next(r.Now(), r.zoneOf(n, accounts))
		if r.out.First.IsZero() || due[n.ID].Before(r.out.First) {
			r.out.First = due[n.ID]
		}
		r.out.Last = latest(r.out.Last, due[n.ID])
	}
	r.out.Queued = len(keep)
	h := r.hold
	h.State, h.DecidedAt, h.DecidedBy = HoldReleased, r.Now(), who
	if err := r.Ledger.DecideHold(ctx, h, keep, string(answerNone), r.out.Last); err != nil {
		return err
	}
	for id, at := range due {
		if err := r.Ledger.Reschedule(ctx, id, at); err != nil {
			return err
		}
	}
	return r.noteDecision(ctx, h, fmt.Sprintf("%d of %d accounts still fail and are mailed", r.out.Failing, r.out.Accounts))
}

// narrow leaves in a held notice the accounts that still fail, and tells whether any is left.
func (r *release) narrow(ctx context.Context, n Notice) (left bool, err error) {
	kept, err := r.keepIn(ctx, n, func(id string) string {
		if r.answers[id] == answerFailing {
			return ""
		}
		return string(r.answers[id])
	})
	return kept > 0, err
}

const decidedFact = "decided/"

// noteDecision keeps with the run that opened the hold what a person decided.
func (a *Auditor) noteDecision(ctx context.Context, h Hold, outcome string) error {
	text := fmt.Sprintf("%s by %s, %s: %s", h.State, h.DecidedBy, minute(h.DecidedAt), outcome)
	_, err := a.Ledger.KeepFact(ctx, h.RunKey, decidedFact+h.Provider, text)
	return err
}

// Decisions returns by provider what was decided on the holds that a run opened.
func Decisions(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) (map[string]string, error) {
	noted, err := facts.Facts(ctx, key, decidedFact)
	decided := map[string]string{}
	for name, text := range noted {
		decided[strings.TrimPrefix(name, decidedFact)] = text
	}
	return decided, err
}
