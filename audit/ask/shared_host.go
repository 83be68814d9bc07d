package ask

import (
	"context"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// sharedHostStore is what this file needs of the store. The contracts are in package audit.
type sharedHostStore interface {
	Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error)
	GiveBack(ctx context.Context, day string, keys []audit.AttemptKey) error
}

// Shared hosts ban an address after a few refused sign-ins, for all its customers and for the product's own
// mail too. So a conversation with such a host takes one of the refusals that the night allows before it
// begins, and gives it back unless it was refused: however many processes ask, there are never more.

// hostCount is how many conversations of this process a limited host is in.
type hostCount struct {
	mu  audit.Lock // held while the store is asked, so that counter and store agree
	now int
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
	key := audit.AttemptKey{Login: "host " + c.Target.Endpoint.Host, Secret: runKey}
	for {
		entered, others, err := count.enter(ctx, a.Ledger, c.day, key, limit)
		switch {
		case err != nil:
			return nil, "", err
		case entered:
			return func(refused bool) error { return count.leave(ctx, a.Ledger, c.day, key, refused) }, "", nil
		case others == 0:
			return nil, fmt.Sprintf("%d sign-ins were refused by this host tonight; it is left alone", limit), nil
		}
		select {
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		case <-time.After(hostPoll):
		}
	}
}

func (h *hostCount) enter(ctx context.Context, attempts audit.Attempts, day string, key audit.AttemptKey, limit int) (entered bool, others int, err error) {
	if err := h.mu.Lock(ctx); err != nil {
		return false, 0, err
	}
	defer h.mu.Unlock()
	granted, err := attempts.Reserve(ctx, day, []audit.AttemptKey{key}, audit.AttemptLimit{PerSecret: limit, Secrets: unlimited})
	if err != nil || !granted[0] {
		return false, h.now, err
	}
	h.now++
	return true, h.now, nil
}

func (h *hostCount) leave(ctx context.Context, attempts audit.Attempts, day string, key audit.AttemptKey, refused bool) error {
	ctx = context.WithoutCancel(ctx)
	if err := h.mu.Lock(ctx); err != nil {
		return err
	}
	defer h.mu.Unlock()
	h.now--
	if refused {
		return nil
	}
	return attempts.GiveBack(ctx, day, []audit.AttemptKey{key})
}

// refusedSignIn reports whether a host would count the conversation against our address.
func refusedSignIn(c providers.Conversation, class providers.Class) bool {
	if !c.CredentialSent || class == providers.Accepted || class == providers.Temporary {
		return false
	}
	return c.Fault == providers.FaultNone || c.Fault == providers.FaultDropped
}
