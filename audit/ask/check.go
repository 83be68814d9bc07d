package ask

import (
	"context"
	"fmt"

	"mailaudit/audit"
	"mailaudit/providers"
)

// checkStore is what this file needs of the store. The contracts are in package audit.
type checkStore interface {
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Checked is one account verified now, outside any run.
type Checked struct {
	Account      audit.Account
	Target       Target
	Conversation providers.Conversation
	Kind         providers.Kind
	Result       audit.Result
	Before       audit.State
	Answer       string // names endpoint, way of signing in, login and secret as sent; "" where nothing was asked
}

// Unopened reports whether the account was not asked because its stored secret does not open.
func (c Checked) Unopened() bool { return c.Result.Reason == notOpened }

// Check verifies one account now. It counts against the day's attempts and changes nothing else. It
// returns ErrNoAccount if there is none.
func (a *Asker) Check(ctx context.Context, id string) (Checked, error) {
	accounts, err := a.Accounts.AccountsByID(ctx, []string{id})
	if err != nil {
		return Checked{}, err
	}
	if len(accounts) == 0 {
		return Checked{}, fmt.Errorf("account %q: %w", id, audit.ErrNoAccount)
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

// DryRun asks one account as a run would and stores nothing but the attempt.
func (a *Asker) DryRun(ctx context.Context, acc audit.Account, sealed []byte, before audit.State) (Checked, error) {
	got := Checked{Account: acc, Before: before}
	err := a.once(ctx, &got, sealed)
	return got, err
}

func (a *Asker) once(ctx context.Context, got *Checked, sealed []byte) error {
	c, reason := a.Candidate(ctx, got.Account, got.Before, sealed)
	c.attested = a.attestedNow(ctx, got.Account.ID)
	got.Target = c.Target
	got.Result = baseResult(c, a.Now())
	if reason == "" {
		conv, granted, err := a.askNow(ctx, c, a.Policy.Attempts)
		if err != nil {
			return err
		}
		if granted {
			got.Conversation, got.Answer = conv, c.Answer
			got.Kind = a.judge(&got.Result, c, conv).kind
			return nil
		}
		reason = AttemptsUsedUp
	}
	got.Result.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
	got.Result.Reason = reason
	return nil
}
