package app

import (
	"context"
	"sync"
	"time"

	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/pace"
)

// pacing lets conversations through at the pace that each provider bears. The hosts of "other" are many and
// have nothing to do with each other: each has a pace of its own, and one that is down holds up nobody else.
type pacing struct {
	providers map[string]*gate
	limits    map[string]pace.Limits
	tokens    tokenGates

	mu    sync.Mutex
	hosts map[string]*gate
	other pace.Limits
}

func newPacing(c *config.Config) *pacing {
	p := &pacing{providers: map[string]*gate{}, limits: map[string]pace.Limits{}, hosts: map[string]*gate{}}
	for name, limits := range c.Providers {
		l := pace.Limits{MaxConcurrency: limits.MaxConcurrency, MaxRate: limits.MaxRate.PerSecond()}
		p.providers[name], p.limits[name] = &gate{Pacer: pace.New(l)}, l
		if name == OtherProvider {
			p.other = l
		}
	}
	return p
}

const OtherProvider = "other"

func (p *pacing) host(name string) *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts[name] == nil {
		p.hosts[name] = &gate{Pacer: pace.New(p.other)}
	}
	return p.hosts[name]
}

const (
	// patience is how long a provider that gives no answer, or turns everybody away, is waited for. Then its
	// accounts are passed over; they get their second try later in the night.
	patience = time.Minute
	// probeEvery is how often one of them finds out whether it is back.
	probeEvery = 30 * time.Second
)

// gate is a pacer, and since when its provider has answered nobody.
type gate struct {
	*pace.Pacer
	mu    sync.Mutex
	down  time.Time // zero: it answers
	probe time.Time // the next one
}

// gaveUp tells whether to pass an account over for now.
func (g *gate) gaveUp() bool {
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

func (g *gate) note(f pace.Feedback) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case f.Outcome == pace.Answered:
		g.down = time.Time{}
	case f.Outcome != pace.Nothing && g.down.IsZero():
		g.down = time.Now()
	}
}

// enter waits for the provider's turn. A conversation that is not to be held comes back instead.
func (g *gate) enter(ctx context.Context, a providers.Attempt) (func(pace.Feedback), *providers.Conversation) {
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
	return func(f pace.Feedback) { g.note(f); done(f) }, nil
}

// through holds one conversation at the right pace.
func (p *pacing) through(ctx context.Context, provider string, a providers.Attempt, verify providers.VerifyFunc) providers.Conversation {
	g := p.providers[provider]
	if provider == OtherProvider {
		all, none := g.enter(ctx, a)
		if none != nil {
			return *none
		}
		defer all(pace.Feedback{Outcome: pace.Answered}) // what one host bears says nothing of the others
		g = p.host(a.Endpoint.Host)
	}
	release, none := g.enter(ctx, a)
	if none != nil {
		return *none
	}
	conv := verify(ctx, a)
	release(feedback(provider, conv))
	return conv
}

func feedback(provider string, c providers.Conversation) pace.Feedback {
	p, ok := catalog.ByName(provider)
	if !ok {
		return pace.Feedback{}
	}
	if c.Stage == providers.StageOAuthToken {
		return pace.Feedback{} // by the token endpoint, which has a pace of its own
	}
	if c.Fault == providers.FaultNone && c.Reply.Code/100 == 2 {
		return pace.Feedback{Outcome: pace.Answered} // no rule is needed to see that
	}
	return pace.Of(c, p.Read(c, false))
}
