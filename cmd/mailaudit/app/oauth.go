package app

import (
	"context"
	"sync"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/pace"
)

// OAuthClient is the client that serves a brand; false where none is configured.
func OAuthClient(c *config.Config, p *providers.Provider, b *providers.Brand) (providers.Client, bool) {
	o := c.Providers[p.Name].OAuth.Clients()[b.OAuth]
	client := providers.Client{ID: o.ClientID, Secret: o.ClientSecret, TokenURL: o.TokenURL}
	if client.TokenURL == "" {
		client.TokenURL = p.TokenEndpoint(b)
	}
	return client, client.ID != ""
}

// expiries lists when the configured client secrets end.
func expiries(c *config.Config) []audit.ClientExpiry {
	var all []audit.ClientExpiry
	for _, p := range catalog.All() {
		for brand, client := range c.Providers[p.Name].OAuth.Clients() {
			if client.SecretExpires.IsZero() {
				continue
			}
			owner := p.Title
			if b, ok := p.Brand(brand); ok {
				owner = b.Title
			}
			all = append(all, audit.ClientExpiry{Owner: owner, Key: config.OAuthKey("providers."+p.Name, brand), At: client.SecretExpires})
		}
	}
	return all
}

// tokenGates pace the token endpoints, each by itself: they are other servers than those that take the mail.
type tokenGates struct {
	mu    sync.Mutex
	gates map[string]*pace.Gate // by URL
}

func (t *tokenGates) of(url string, limits pace.Limits) *pace.Gate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gates == nil {
		t.gates = map[string]*pace.Gate{}
	}
	if t.gates[url] == nil {
		t.gates[url] = &pace.Gate{Pacer: pace.New(limits)}
	}
	return t.gates[url]
}

// throughGrant holds one conversation at the pace that both of its servers bear.
func (p *pacing) throughGrant(ctx context.Context, provider string, a providers.Attempt, verify providers.VerifyFunc) providers.Conversation {
	if a.Grant == nil {
		return p.through(ctx, provider, a, verify)
	}
	release, none := p.tokens.of(a.Grant.Client.TokenURL, p.limits[provider]).Enter(ctx, a)
	if none != nil {
		none.Stage = providers.StageOAuthToken
		return *none
	}
	conv := p.through(ctx, provider, a, verify)
	release(tokenFeedback(provider, conv))
	return conv
}

// tokenFeedback is what a conversation says about the token endpoint's pace.
func tokenFeedback(provider string, c providers.Conversation) pace.Feedback {
	p, ok := catalog.ByName(provider)
	switch {
	case !ok || !c.CredentialSent && c.Stage != providers.StageOAuthToken:
		return pace.Feedback{}
	case c.Stage != providers.StageOAuthToken:
		return pace.Feedback{Outcome: pace.Answered}
	}
	f := pace.Of(c, p.Read(c, false))
	f.Wait = c.RetryAfter
	return f
}
