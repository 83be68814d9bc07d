package main

import (
	"context"
	"sync"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/pace"
)

// pacing lets conversations through at the pace that each provider bears. The hosts of "other" are many and
// have nothing to do with each other: each has a pace of its own, and one that is down holds up nobody else.
type pacing struct {
	providers map[string]*pace.Pacer

	mu    sync.Mutex
	hosts map[string]*pace.Pacer
	other pace.Limits
}

func newPacing(c *Config) *pacing {
	p := &pacing{providers: map[string]*pace.Pacer{}, hosts: map[string]*pace.Pacer{}}
	for name, limits := range c.Providers {
		l := pace.Limits{MaxConcurrency: limits.MaxConcurrency, MaxRate: limits.MaxRate.PerSecond()}
		p.providers[name] = pace.New(l)
		if name == otherProvider {
			p.other = l
		}
	}
	return p
}

const otherProvider = "other"

func (p *pacing) host(name string) *pace.Pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts[name] == nil {
		p.hosts[name] = pace.New(p.other)
	}
	return p.hosts[name]
}

// through holds one conversation at the right pace.
func (p *pacing) through(ctx context.Context, provider string, a providers.Attempt, verify providers.VerifyFunc) providers.Conversation {
	cancelled := providers.Conversation{Endpoint: a.Endpoint, Fault: providers.FaultCancelled, Detail: "given up while waiting for the provider's turn"}
	if provider == otherProvider {
		release, err := p.host(a.Endpoint.Host).Acquire(ctx)
		if err != nil {
			return cancelled
		}
		all, err := p.providers[provider].Acquire(ctx)
		if err != nil {
			release(pace.Feedback{})
			return cancelled
		}
		conv := verify(ctx, a)
		all(pace.Feedback{Outcome: pace.Answered}) // what one host bears says nothing of the others
		release(feedback(provider, conv))
		return conv
	}
	release, err := p.providers[provider].Acquire(ctx)
	if err != nil {
		return cancelled
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
	return pace.Of(c, p.Read(c, false))
}
