package ask

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Subject is an account that is asked between two runs.
type Subject struct {
	Candidate
	Before audit.State
}

// WithSecrets reads accounts and their stored secrets, those left out that cannot be read.
func (a *Asker) WithSecrets(ctx context.Context, run audit.Run, wanted []string) (map[string]audit.Account, map[string][]byte, error) {
	accounts, unread, err := a.Aside.ReadAccounts(ctx, run, wanted)
	if err != nil {
		return nil, nil, err
	}
	sealed, unopened, err := a.Aside.ReadSecrets(ctx, run, slices.Sorted(maps.Keys(accounts)))
	for _, id := range wanted {
		if why := cmp.Or(unread[id], unopened[id]); why != nil {
			delete(accounts, id)
			a.Log.Error("account not read", "account", id, "err", why)
		}
	}
	return accounts, sealed, err
}

// askedAtOnce bounds the conversations between two runs; what a provider bears is the pacer's business.
const askedAtOnce = 16

// Answered is what came of asking one account between two runs.
type Answered struct {
	Conv    providers.Conversation
	At      time.Time // of the answer
	Unasked string    // why no conversation was held; "" if one was
}

// Asker asks within a limit of attempts.
func (a *Asker) Asker(limit audit.AttemptLimit) func(context.Context, Candidate) (Answered, error) {
	return func(ctx context.Context, c Candidate) (Answered, error) {
		conv, granted, err := a.askNow(ctx, c, limit)
		if !granted {
			return Answered{Unasked: AttemptsUsedUp}, err
		}
		return Answered{Conv: conv, At: a.Now()}, err
	}
}

// AskAll asks accounts and returns, by account, the results of those that were asked, and why the others were not.
// Accounts that share endpoint, login and secret are asked once, unless no server answered.
func (a *Asker) AskAll(ctx context.Context, all []Subject, ask func(context.Context, Candidate) (Answered, error)) (results map[string]audit.Result, unasked map[string]string, err error) {
	shared := map[string][]Subject{}
	var order []string
	for _, ask := range all {
		if len(shared[ask.Answer]) == 0 {
			order = append(order, ask.Answer)
		}
		shared[ask.Answer] = append(shared[ask.Answer], ask)
	}
	results, unasked = map[string]audit.Result{}, map[string]string{}
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for _, key := range order {
		group.Go(func() error {
			var last Answered
			for _, one := range shared[key] {
				got, err := a.takeOver(inner, one.Candidate, last, ask)
				if err != nil {
					return err
				}
				mu.Lock()
				if got.Unasked != "" {
					unasked[one.Account.ID] = got.Unasked
				} else {
					last = got
					r := baseResult(one.Candidate, got.At)
					a.judge(&r, one.Candidate, got.Conv)
					a.logBetween(r, got.Conv)
					results[one.Account.ID] = r
				}
				mu.Unlock()
			}
			return nil
		})
	}
	return results, unasked, group.Wait()
}

// takeOver asks a candidate, unless a server has just answered a duplicate login of it.
func (a *Asker) takeOver(ctx context.Context, c Candidate, last Answered, ask func(context.Context, Candidate) (Answered, error)) (Answered, error) {
	if last.At.IsZero() || !HandsOn(last.Conv) {
		return ask(ctx, c)
	}
	admitted, err := a.Admit(ctx, c)
	if err == nil && !admitted {
		return Answered{Unasked: AttemptsUsedUp}, nil
	}
	return last, err
}

func (a *Asker) logBetween(r audit.Result, conv providers.Conversation) {
	a.Log.Info("asked between two runs", "account", r.AccountID, "provider", r.Provider, "class", string(r.Class),
		"verdict", string(r.Verdict), "stage", string(conv.Stage), "ms", conv.Took.Milliseconds())
}

// AttemptsUsedUp is why an account is not asked any more today.
const AttemptsUsedUp = audit.ReasonAttempts

// askNow asks one account outside a run; granted is false if the day's attempts are used up.
func (a *Asker) askNow(ctx context.Context, c Candidate, limit audit.AttemptLimit) (conv providers.Conversation, granted bool, err error) {
	day := a.Today()
	grants, err := a.reserve(ctx, day, []Candidate{c}, limit)
	if err != nil || !grants[0] {
		return conv, false, err
	}
	c.day = day
	conv = a.Talk(ctx, c, time.Time{})
	if !conv.CredentialSent {
		if err := a.giveBack(ctx, c); err != nil {
			return conv, true, err
		}
	}
	return conv, true, ctx.Err()
}

// Today is the day whose attempts are used.
func (a *Asker) Today() string { return a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly) }

// Tomorrow is when the next day's attempts begin.
func (a *Asker) Tomorrow() time.Time {
	y, m, d := a.Now().In(a.Policy.AttemptZone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, a.Policy.AttemptZone)
}

// AskAgain asks an account between two runs as a run does: its attempt is reserved before dialling, and a shared host
// gives no more refusals than the run's night allows.
func (a *Asker) AskAgain(ctx context.Context, c Candidate, runKey string) (got Answered, err error) {
	c.day = a.Today()
	granted, err := a.reserve(ctx, c.day, []Candidate{c}, a.Policy.Attempts)
	if err != nil {
		return got, err
	}
	if !granted[0] {
		return Answered{Unasked: AttemptsUsedUp}, nil
	}
	unused := func() error { return a.giveBack(ctx, c) }
	leave, reason, err := a.enterHost(ctx, c, runKey)
	if err != nil || reason != "" {
		return Answered{Unasked: reason}, errors.Join(err, unused())
	}
	got.Conv = a.Talk(ctx, c, time.Time{})
	got.At = a.Now()
	class := c.Target.Provider.Read(got.Conv, c.Target.Foreign).Class
	err = leave(refusedSignIn(got.Conv, class))
	if !got.Conv.CredentialSent {
		err = errors.Join(err, unused())
	}
	return got, errors.Join(err, ctx.Err())
}
