package ask

import (
	"context"
	"crypto/rand"

	"mailaudit/audit"
)

// attemptsStore is what this file needs of the store. The contracts are in package audit.
type attemptsStore interface {
	Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error)
	GiveBack(ctx context.Context, day, once string, keys []audit.AttemptKey) error
}

// Sign-ins are counted by mailbox, not by the spelling of a login, a host or a secret, and over all tenants: providers
// lock a mailbox whoever guesses at it. A secret that the mailbox accepted before takes conversations alone. Any other
// also takes a place among the few that are tried at the mailbox a day, and among those of its tenant: so nobody guesses
// here, no verdict says which of many guesses was right, and nobody uses up the day of an account that works.

// claim is one of the counts that an attempt takes.
type claim int

const (
	claimTenant       claim = iota // of the mailbox's never-accepted secrets, those of one tenant
	claimSecret                    // of the mailbox's never-accepted secrets
	claimConversation              // of the mailbox and the secret
	claims
)

// key is what a candidate's claim is counted by; false where it needs none.
func (c Candidate) key(of claim) (k audit.AttemptKey, needed bool) {
	switch of {
	case claimTenant:
		return audit.AttemptKey{Login: c.tenantBox, Secret: c.Key.Secret}, !c.known
	case claimSecret:
		return audit.AttemptKey{Login: "new " + c.Key.Login, Secret: c.Key.Secret}, !c.known
	}
	return c.Key, true
}

func limitOf(of claim, limit audit.AttemptLimit, shared bool) audit.AttemptLimit {
	switch {
	case of == claimConversation:
		return audit.AttemptLimit{PerSecret: limit.PerSecret, Secrets: unlimited}
	case of == claimTenant && shared:
		// Who stores a mailbox that others store too leaves them a place.
		return audit.AttemptLimit{PerSecret: unlimited, Secrets: max(1, limit.Secrets-1)}
	}
	return audit.AttemptLimit{PerSecret: unlimited, Secrets: limit.Secrets}
}

// unlimited is more than a day has.
const unlimited = 1 << 20

// reserve takes the attempts of candidates, and reports for each whether it was granted.
func (a *Asker) reserve(ctx context.Context, day string, all []Candidate, limit audit.AttemptLimit) ([]bool, error) {
	granted := make([]bool, len(all))
	for i := range granted {
		granted[i] = true
	}
	taken := make([][]audit.AttemptKey, len(all)) // by candidate
	giveBack := func(err error) error {
		for i, keys := range taken {
			if err == nil && granted[i] || len(keys) == 0 {
				continue
			}
			if backErr := a.Ledger.GiveBack(context.WithoutCancel(ctx), day, rand.Text(), keys); backErr != nil {
				return backErr
			}
		}
		return err
	}
	for of := range claims {
		for _, shared := range []bool{false, true} {
			var keys []audit.AttemptKey
			var at []int
			for i, c := range all {
				if key, needed := c.key(of); needed && granted[i] && c.shared == shared {
					keys, at = append(keys, key), append(at, i)
				}
			}
			if len(keys) == 0 {
				continue
			}
			got, err := a.Ledger.Reserve(ctx, day, keys, limitOf(of, limit, shared))
			if err != nil {
				return nil, giveBack(err)
			}
			for n, i := range at {
				if granted[i] = got[n]; got[n] {
					taken[i] = append(taken[i], keys[n])
				}
			}
		}
	}
	return granted, giveBack(nil)
}

// giveBack returns the attempt of a candidate to which no credential was sent.
func (a *Asker) giveBack(ctx context.Context, c Candidate) error {
	var keys []audit.AttemptKey
	for of := range claims {
		if key, needed := c.key(of); needed {
			keys = append(keys, key)
		}
	}
	once := rand.Text()
	return a.Heard.Write(ctx, "an attempt that was not used", func(ctx context.Context) error { return a.Ledger.GiveBack(ctx, c.day, once, keys) })
}

// Admit reports whether a candidate may take over what was said to a duplicate login. The answer tells whether a secret
// is right, so one that was never accepted counts among its tenant's as if it had been asked.
func (a *Asker) Admit(ctx context.Context, c Candidate) (bool, error) {
	key, needed := c.key(claimTenant)
	if !needed {
		return true, nil
	}
	granted, err := a.Ledger.Reserve(ctx, a.Today(), []audit.AttemptKey{key}, limitOf(claimTenant, a.Policy.Attempts, c.shared))
	return err == nil && granted[0], err
}
