package pace

import (
	"context"
	"sync"
	"time"

	"mailaudit/providers"
)

const (
	// patience is how long a provider that gives no answer, or turns everybody away, is waited for. Then its
	// accounts are passed over; they get their second try later in the night.
	patience = time.Minute
	// probeEvery is how often one of them finds out whether it is back.
	probeEvery = 30 * time.Second
)

// Gate is a pacer, and since when its provider has answered nobody.
type Gate struct {
	*Pacer
	mu    sync.Mutex
	down  time.Time // zero: it answers
	probe time.Time // the next one
}

// gaveUp reports whether to pass an account over for now.
func (g *Gate) gaveUp() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.down.IsZero() || now.Sub(g.down) < patience {
		return false
	}
	if now.After(g.probe) {
		g.probe = now.Add(probeEvery)
		return false
	}
	return true
}

func (g *Gate) note(f Feedback) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case f.Outcome == Answered:
		g.down = time.Time{}
	case f.Outcome != Nothing && g.down.IsZero():
		g.down = time.Now()
	}
}

// Enter waits for the provider's turn. A conversation that is not to be held comes back instead.
func (g *Gate) Enter(ctx context.Context, a providers.Attempt) (func(Feedback), *providers.Conversation) {
	if g.gaveUp() {
		return nil, &providers.Conversation{Endpoint: a.Endpoint, Fault: providers.FaultConnect, Detail: "the provider does not answer; not dialled"}
	}
	if !a.StartBy.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, a.StartBy)
		defer cancel()
	}
	done, err := g.Acquire(ctx)
	if err != nil {
		return nil, &providers.Conversation{Endpoint: a.Endpoint, Fault: providers.FaultCancelled, Detail: "given up while waiting for the provider's turn"}
	}
	return func(f Feedback) { g.note(f); done(f) }, nil
}
