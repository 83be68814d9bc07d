package audit

import (
	"context"
	"fmt"
	"time"

	"mailaudit/providers"
)

// Checked is one account verified now, outside any run.
type Checked struct {
	Account      Account
	Target       Target
	Conversation providers.Conversation
	Kind         providers.Kind
	Result       Result
	Before       State
}

// Check verifies one account now. It counts against the day's attempts and changes nothing else. It
// returns ErrNoAccount if there is none.
func (a *Auditor) Check(ctx context.Context, id string) (Checked, error) {
	accounts, err := a.Accounts.AccountsByID(ctx, []string{id})
	if err != nil {
		return Checked{}, err
	}
	if len(accounts) == 0 {
		return Checked{}, fmt.Errorf("account %q: %w", id, ErrNoAccount)
	}
	sealed, err := a.Accounts.SealedSecrets(ctx, []string{id})
	if err != nil {
		return Checked{}, err
	}
	states, err := a.Ledger.LoadStates(ctx, []string{id})
	if err != nil {
		return Checked{}, err
	}
	got := Checked{Account: accounts[0], Before: states[id]}
	err = a.once(ctx, &got, sealed[id])
	return got, err
}

// Rehearse asks one account as a run would and stores nothing but the attempt.
func (a *Auditor) Rehearse(ctx context.Context, acc Account, sealed []byte, before State) (Checked, error) {
	got := Checked{Account: acc, Before: before}
	err := a.once(ctx, &got, sealed)
	return got, err
}

func (a *Auditor) once(ctx context.Context, got *Checked, sealed []byte) error {
	c, reason := a.candidate(ctx, got.Account, sealed)
	got.Target = c.target
	got.Result = baseResult(c, a.Now())
	if reason == "" {
		conv, granted, err := a.askNow(ctx, c, a.Policy.Attempts)
		if err != nil {
			return err
		}
		if granted {
			got.Conversation = conv
			got.Kind = a.judge(&got.Result, c, conv, got.Before).kind
			return nil
		}
		reason = attemptsUsedUp
	}
	got.Result.Judgement = Judgement{Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
	got.Result.Reason = reason
	return nil
}

const attemptsUsedUp = "today's attempts are used up"

// askNow asks one account outside a run; granted is false if the day's attempts are used up.
func (a *Auditor) askNow(ctx context.Context, c candidate, limit AttemptLimit) (conv providers.Conversation, granted bool, err error) {
	day := a.Now().In(a.Policy.AttemptZone).Format(time.DateOnly)
	grants, err := a.Ledger.Reserve(ctx, day, []AttemptKey{c.key}, limit)
	if err != nil || !grants[0] {
		return conv, false, err
	}
	c.day = day
	conv = a.ask(ctx, c, time.Time{})
	if !conv.CredentialSent {
		if err := a.Ledger.GiveBack(context.WithoutCancel(ctx), day, []AttemptKey{c.key}); err != nil {
			return conv, true, err
		}
	}
	return conv, true, ctx.Err()
}
