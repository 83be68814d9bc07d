package ask

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/providers"
)

// Round is one turn at asking a batch of a run.
type Round struct {
	*Asker
	Run   audit.Run
	Batch audit.Batch

	States map[string]audit.State
	Sealed map[string][]byte
	Held   bool      // a person is to decide on the provider's findings
	Until  time.Time // the turn's end

	Unanswered atomic.Int64 // accounts that were taken up and came to no result

	dry        map[string]audit.DryAnswer // what a dry run has heard today, by account
	duplicates duplicates                 // logins that several accounts share
	once       sync.Map                   // troubles noted in this turn
	clients    clientWatch

	attestations *audit.Attestations // nil where they could not be read, or there are none
}

// roundStore is what this file needs of the store. The contracts are in package audit.
type roundStore interface {
	Blame(err error) (b audit.Blame, code string)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
}

// Prepare opens the secrets of a few accounts and reserves their attempts. Those that cannot be asked come
// back as settled results.
func (w *Round) Prepare(ctx context.Context, accounts []audit.Account) (ready []Candidate, settled []audit.Result, err error) {
	day := w.Today()
	spare := w.Aside.Spares(ctx, w.Run, w.Ledger)
	for _, acc := range accounts {
		c, answer, asks := Candidate{Account: acc}, (*audit.Result)(nil), false
		err := aside.Unbroken(func() (err error) {
			c, answer, asks, err = w.consider(ctx, acc)
			return err
		})
		switch {
		case err != nil && spare(err):
			r, err := w.unasked(ctx, Candidate{Account: acc, Target: c.Target}, err)
			if err != nil {
				return nil, nil, err
			}
			settled = append(settled, r)
		case err != nil:
			return nil, nil, err
		case answer != nil:
			settled = append(settled, *answer)
		case asks:
			c.day = day
			ready = append(ready, c)
		default:
			w.Unanswered.Add(1) // its duplicate login is being asked; the answer is there at the next turn
		}
	}
	var asked []Candidate
	err = aside.Apart(ready, spare, func(some []Candidate) error {
		granted, err := w.reserve(ctx, day, some, w.Policy.Attempts)
		if err != nil {
			return err
		}
		for i, c := range some {
			if granted[i] {
				asked = append(asked, c)
			} else {
				settled = append(settled, w.unadmitted(c))
			}
		}
		return nil
	}, func(c Candidate, err error) error {
		r, err := w.unasked(ctx, c, err)
		settled = append(settled, r)
		return err
	})
	if err != nil {
		return nil, nil, errors.Join(err, w.GiveBack(ctx, asked))
	}
	return asked, settled, nil
}

// Unverified is the result of an account about which nothing can be said, with the reason for people.
func (w *Round) Unverified(c Candidate, reason string) audit.Result {
	r := w.result(c)
	r.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
	r.Reason = reason
	return r
}

func (w *Round) result(c Candidate) audit.Result {
	r := baseResult(c, w.Now())
	r.RunKey, r.Try = w.Run.Key, w.Batch.Try
	return r
}

// unadmitted is the result of an account whose attempts are used up. At a second try the first one's refusal stands: it
// was heard, and that it might have passed takes nothing away from it.
func (w *Round) unadmitted(c Candidate) audit.Result {
	if first := c.before.Tonight; first != nil && first.RunKey == w.Run.Key && first.Try < w.Batch.Try && first.Verdict.Failing() {
		again := *first
		again.Try, again.Retry = w.Batch.Try, false
		return again
	}
	return w.Unverified(c, AttemptsUsedUp)
}

func (w *Round) returnAttempt(ctx context.Context, c Candidate) {
	if err := w.GiveBack(ctx, []Candidate{c}); err != nil {
		w.Log.Error("attempt not given back", "account", c.Account.ID, "err", err)
	}
}

// trouble notes a fault of our own, once a turn.
func (w *Round) trouble(ctx context.Context, t audit.Trouble) {
	if _, noted := w.once.LoadOrStore(t.What, true); noted {
		return
	}
	if err := audit.NoteTrouble(context.WithoutCancel(ctx), w.Ledger, w.Run.Key, t); err != nil {
		w.Log.Error("trouble not noted", "trouble", t.What, "err", err)
	}
}

// GiveBack returns the attempts of accounts to which no credential was sent.
func (w *Round) GiveBack(ctx context.Context, unused []Candidate) error {
	for _, c := range unused {
		if err := w.giveBack(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
