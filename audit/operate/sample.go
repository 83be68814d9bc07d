package operate

import (
	"context"
	"encoding/json"
	"slices"

	"mailaudit/audit/ask"
)

// sampleSize is how many accounts of a hold a sample re-checks.
const sampleSize = 5

// Sample re-checks a few accounts of an open hold and mails nobody. What they say serves a release of the same day, so that no
// attempt is used twice; those of an earlier sample of that day are not asked again. Accounts that are accepted have their
// finding ended. It returns ErrNoHold with the open holds named.
func (d *Desk) Sample(ctx context.Context, key, provider, who, why string) (Released, error) {
	r, err := d.held(ctx, key, provider)
	if err != nil {
		return Released{}, err
	}
	if err := d.act(ctx, who, "notices sample", key+" "+provider, why); err != nil {
		return Released{}, err
	}
	var ids []string
	for _, n := range r.held {
		for _, item := range n.Items {
			ids = append(ids, item.AccountID)
		}
	}
	slices.Sort(ids)
	for _, id := range spread(slices.Compact(ids), sampleSize) {
		r.answers[id] = answerNone
	}
	err = r.askAll(ctx)
	r.out.Held = len(r.held)
	return r.out, err
}

// spread takes n of the ids, evenly from all of them.
func spread(ids []string, n int) []string {
	if len(ids) <= n {
		return ids
	}
	var some []string
	for i := range n {
		some = append(some, ids[i*len(ids)/n])
	}
	return some
}

// saidFact keeps, with the run that opened a hold, what a provider said that day to an account of it.
const saidFact = "hold/said/"

// askedToday asks an account within its attempts, or gives what it said today when this hold was sampled, or its release was cut
// short.
func (r *release) askedToday(ctx context.Context) (func(context.Context, ask.Candidate) (ask.Answered, error), error) {
	today := saidFact + r.Ask.Today() + "/"
	said, err := r.Ledger.Facts(ctx, r.hold.RunKey, today)
	if err != nil {
		return nil, err
	}
	anew := r.Ask.Asker(r.Policy.Attempts)
	return func(ctx context.Context, c ask.Candidate) (ask.Answered, error) {
		if text := said[today+c.Answer]; text != "" {
			var s ask.Said
			err := json.Unmarshal([]byte(text), &s)
			return ask.Answered{Conv: s.Conversation(c), At: s.At}, err
		}
		got, err := anew(ctx, c)
		if err != nil || got.Unasked != "" || !got.Conv.CredentialSent || !ask.HandsOn(got.Conv) {
			return got, err
		}
		text, err := ask.HandOn(got.Conv, got.At)
		if err != nil {
			return got, err
		}
		_, err = r.Ledger.KeepFact(context.WithoutCancel(ctx), r.hold.RunKey, today+c.Answer, text)
		return got, err
	}, nil
}
