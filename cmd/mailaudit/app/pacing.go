package app

import (
	"context"
	"sync"

	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/pace"
)

// pacing lets conversations through at the pace that each provider bears. The hosts of "other" are many and
// have nothing to do with each other: each has a pace of its own, and one that is down holds up nobody else.
type pacing struct {
	providers map[string]*pace.Gate
	limits    map[string]pace.Limits
	tokens    tokenGates

	mu    sync.Mutex
	hosts map[string]*pace.Gate
	other pace.Limits
}

func newPacing(c *config.Config) *pacing {
	p := &pacing{providers: map[string]*pace.Gate{}, limits: map[string]pace.Limits{}, hosts: map[string]*pace.Gate{}}
	for name, limits := range c.Providers {
		l := pace.Limits{MaxConcurrency: limits.MaxConcurrency, MaxRate: limits.MaxRate.PerSecond()}
		p.providers[name], p.limits[name] = &pace.Gate{Pacer: pace.New(l)}, l
		if name == OtherProvider {
			p.other = l
		}
	}
	return p
}

const OtherProvider = "other"

func (p *pacing) host(name string) *pace.Gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts[name] == nil {
		p.hosts[name] = &pace.Gate{Pacer: pace.New(p.other)}
	}
	return p.hosts[name]
}

// through holds one conversation at the right pace.
func (p *pacing) through(ctx context.Context, provider string, a providers.Attempt, verify providers.VerifyFunc) providers.Conversation {
	g := p.providers[provider]
	if provider == OtherProvider {
		all, none := g.Enter(ctx, a)
		if none != nil {
			return *none
		}
		defer all(pace.Feedback{Outcome: pace.Answered}) // what one host bears says nothing of the others
		g = p.host(a.Endpoint.Host)
	}
	release, none := g.Enter(ctx, a)
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
