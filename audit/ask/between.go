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

// betweenStore is what this file needs of the store. The contracts are in package audit.
type betweenStore interface {
	Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error)
	GiveBack(ctx context.Context, day string, keys []audit.AttemptKey) error
}

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
			return Answered{Unasked: attemptsUsedUp}, err
		}
		return Answered{Conv: conv, At: a.Now()}, err
	}
}

// AskAll asks accounts and returns, by account, the results of those that were asked, and why the others were not.
// Accounts that share login and secret are asked once.
func (a *Asker) AskAll(ctx context.Context, all []Subject, ask func(context.Context, Candidate) (Answered, error)) (results map[string]audit.Result, unasked map[string]string, err error) {
	shared := map[audit.AttemptKey][]Subject{}
	var order []audit.AttemptKey
	for _, ask := range all {
		if len(shared[ask.Key]) == 0 {
			order = append(order, ask.Key)
		}
		shared[ask.Key] = append(shared[ask.Key], ask)
	}
	results, unasked = map[string]audit.Result{}, map[string]string{}
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for _, key := range order {
		group.Go(func() error {
			got, err := ask(inner, shared[key][0].Candidate)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, ask := range shared[key] {
				if got.Unasked != "" {
					unasked[ask.Account.ID] = got.Unasked
					continue
				}
				r := baseResult(ask.Candidate, got.At)
				a.judge(&r, ask.Candidate, got.Conv, ask.Before)
				a.logBetween(r, got.Conv)
				results[ask.Account.ID] = r
			}
			return nil
		})
	}
	return results, unasked, group.Wait()
}

func (a *Asker) logBetween(r audit.Result, conv providers.Conversation) {
	a.Log.Info("asked between two runs", "account", r.AccountID, "provider", r.Provider, "class", string(r.Class),
		"verdict", string(r.Verdict), "stage", string(conv.Stage), "ms", conv.Took.Milliseconds())
}

const attemptsUsedUp = "today's attempts are used up"

// askNow asks one account outside a run; granted is false if the day's attempts are used up.
func (a *Asker) askNow(ctx context.Context, c Candidate, limit audit.AttemptLimit) (conv providers.Conversation, granted bool, err error) {
	day := a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly)
	grants, err := a.Ledger.Reserve(ctx, day, []audit.AttemptKey{c.Key}, limit)
	if err != nil || !grants[0] {
		return conv, false, err
	}
	c.day = day
	conv = a.Talk(ctx, c, time.Time{})
	if !conv.CredentialSent {
		if err := a.Ledger.GiveBack(context.WithoutCancel(ctx), day, []audit.AttemptKey{c.Key}); err != nil {
			return conv, true, err
		}
	}
	return conv, true, ctx.Err()
}

// Today is the day whose attempts are used.
func (a *Asker) Today() string { return a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly) }

// AskAgain asks an account between two runs as a run does: its attempt is reserved before dialling, and a shared host
// gives no more refusals than the run's night allows.
func (a *Asker) AskAgain(ctx context.Context, c Candidate, runKey string) (got Answered, err error) {
	c.day = a.Today()
	granted, err := a.Ledger.Reserve(ctx, c.day, []audit.AttemptKey{c.Key}, a.Policy.Attempts)
	if err != nil {
		return got, err
	}
	if !granted[0] {
		return Answered{Unasked: attemptsUsedUp}, nil
	}
	unused := func() error {
		return a.Ledger.GiveBack(context.WithoutCancel(ctx), c.day, []audit.AttemptKey{c.Key})
	}
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
