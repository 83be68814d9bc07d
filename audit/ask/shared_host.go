package ask

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// sharedHostStore is what this file needs of the store. The contracts are in package audit.
type sharedHostStore interface {
	Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error)
	GiveBack(ctx context.Context, day, once string, keys []audit.AttemptKey) error
}

// Shared hosts ban an address after a few refused sign-ins, for all its customers and for the product's own
// mail too. So a conversation with such a host takes one of the refusals that the night allows before it
// begins, and gives it back unless it was refused: however many processes ask, there are never more.

//
// No tenant takes the last of them: whatever wrong secrets one stores, the others are asked.

// hostCount is how many conversations of this process a limited host is in.
type hostCount struct {
	mu  audit.Lock // held while the store is asked, so that counter and store agree
	now int
	of  map[string]int // by tenant
}

// place is what a conversation takes of a host's refusals: one of all, and one of its tenant's share.
type place struct {
	day, tenant string
	host, share audit.AttemptKey
}

const hostPoll = 50 * time.Millisecond

// enterHost takes one of the refusals that the host may give in the run's night. It waits while others of this
// process may give theirs back; a reason tells why the host is left alone.
func (a *Asker) enterHost(ctx context.Context, c Candidate, runKey string) (leave func(refused bool) error, reason string, err error) {
	limit := a.Policy.MaxRefusals[c.Target.Provider.Name]
	if limit == 0 {
		return func(bool) error { return nil }, "", nil
	}
	count := a.hosts.Of(c.Target.Endpoint.Host)
	host, tenant := "host "+c.Target.Endpoint.Host, c.Account.TenantID
	p := place{c.day, tenant, audit.AttemptKey{Login: host, Secret: runKey}, audit.AttemptKey{Login: host + "\n" + tenant, Secret: runKey}}
	for {
		got, err := count.enter(ctx, a.Ledger, p, limit)
		switch {
		case err != nil:
			return nil, "", err
		case got == entered:
			return func(refused bool) error { return count.leave(ctx, a.Ledger, p, refused) }, "", nil
		case got == hostShut:
			return nil, fmt.Sprintf("%d sign-ins were refused by this host tonight; it is left alone", limit), nil
		case got == shareUsed:
			return nil, fmt.Sprintf("%d sign-ins of its tenant were refused by this host tonight; the rest are left to the others", decide.RefusalShare(limit)), nil
		}
		select {
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		case <-time.After(hostPoll):
		}
	}
}

// entrance is what became of a try to enter.
type entrance int

const (
	entered   entrance = iota
	mustWait           // others may give theirs back
	hostShut           // as many as the host may give were refused
	shareUsed          // as many as the tenant may take were refused
)

func (h *hostCount) enter(ctx context.Context, attempts audit.Attempts, p place, limit int) (entrance, error) {
	if err := h.mu.Lock(ctx); err != nil {
		return mustWait, err
	}
	defer h.mu.Unlock()
	granted, err := attempts.Reserve(ctx, p.day, []audit.AttemptKey{p.share}, audit.AttemptLimit{PerSecret: decide.RefusalShare(limit), Secrets: unlimited})
	if err != nil {
		return mustWait, err
	}
	if !granted[0] {
		return waitWhile(h.of[p.tenant] > 0, shareUsed), nil
	}
	granted, err = attempts.Reserve(ctx, p.day, []audit.AttemptKey{p.host}, audit.AttemptLimit{PerSecret: limit, Secrets: unlimited})
	if err != nil || !granted[0] {
		return waitWhile(h.now > 0, hostShut), errors.Join(err, attempts.GiveBack(context.WithoutCancel(ctx), p.day, rand.Text(), []audit.AttemptKey{p.share}))
	}
	if h.of == nil {
		h.of = map[string]int{}
	}
	h.now++
	h.of[p.tenant]++
	return entered, nil
}

func waitWhile(others bool, otherwise entrance) entrance {
	if others {
		return mustWait
	}
	return otherwise
}

func (h *hostCount) leave(ctx context.Context, attempts audit.Attempts, p place, refused bool) error {
	ctx = context.WithoutCancel(ctx)
	if err := h.mu.Lock(ctx); err != nil {
		return err
	}
	defer h.mu.Unlock()
	h.now--
	if h.of[p.tenant]--; h.of[p.tenant] == 0 {
		delete(h.of, p.tenant)
	}
	if refused {
		return nil
	}
	return attempts.GiveBack(ctx, p.day, rand.Text(), []audit.AttemptKey{p.host, p.share})
}

// refusedSignIn reports whether a host would count the conversation against our address.
func refusedSignIn(c providers.Conversation, class providers.Class) bool {
	if !c.CredentialSent || class == providers.Accepted || class == providers.Temporary {
		return false
	}
	return c.Fault == providers.FaultNone || c.Fault == providers.FaultDropped
}
