package years

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// box is a mailbox at its provider.
type box struct {
	provider string
	login    string
	persona  sim.Persona
	account  sim.Account
	refresh  map[string]bool // the refresh tokens that live
	n        int
	issued   int // app passwords, wrong secrets, refresh tokens
}

// meaning is what the provider says to a secret while it is well.
func (b *box) meaning(secret string, oauth bool) string {
	if oauth {
		if b.account.State == sim.OK && b.refresh[secret] {
			return string(sim.Accepted)
		}
		return string(sim.Refused)
	}
	answer, _ := b.persona.Says(b.account, true, secret, 0, time.Time{})
	if _, words := b.persona.Replies[answer]; !words {
		return string(sim.Refused) // it has no words for that, and refuses plainly
	}
	return string(answer)
}

// mood is how a provider behaves.
type mood struct {
	observe.ProviderIs
	until time.Time
}

// meets reports whether the mood befalls a login.
func (m *mood) meets(w *World, login string) bool {
	return m.Mood != observe.Well && w.chance("mood", m.Provider, login).Float64() < m.Share
}

func (w *World) moodOf(provider string) *mood {
	if w.providers[provider] == nil {
		w.providers[provider] = &mood{ProviderIs: observe.ProviderIs{Provider: provider, Mood: observe.Well, Share: 1}}
	}
	return w.providers[provider]
}

// Verify holds a conversation as a dialer does.
func (w *World) Verify(p *Process) providers.VerifyFunc {
	return func(ctx context.Context, a providers.Attempt) providers.Conversation {
		began := time.Now()
		c, wait := w.converse(p, a)
		if wait > 0 {
			p.Pause(wait)
		}
		c.Endpoint, c.StartedAt, c.Took = a.Endpoint, began, time.Since(began)
		return c
	}
}

const hangs = 30 * time.Second // the timeout of a conversation

// converse waits for its turn, and asks the provider.
func (w *World) converse(p *Process, a providers.Attempt) (c providers.Conversation, wait time.Duration) {
	if err := p.enter("ask", a.Endpoint, a.Login, a.Secret.Reveal()); err != nil {
		return providers.Conversation{Fault: providers.FaultCancelled, Detail: err.Error()}, 0
	}
	c, wait, fresh := w.answer(p, a)
	if err := p.leave("ask", nil); err != nil {
		return providers.Conversation{Fault: providers.FaultCancelled, Detail: err.Error(), CredentialSent: c.CredentialSent}, 0
	}
	if fresh != "" {
		c = w.renew(p, a, c, fresh)
	}
	return c, wait
}

// renew has the program store a refresh token that has taken the place of the one that was used.
func (w *World) renew(p *Process, a providers.Attempt, c providers.Conversation, fresh string) providers.Conversation {
	err := a.Grant.Keep(context.Background(), providers.NewSecret(fresh))
	w.readBack(w.boxes[strings.ToLower(a.Login)])
	if err != nil {
		return providers.Conversation{Fault: providers.FaultOurs, Stage: providers.StageOAuthToken, CredentialSent: true, Connected: true,
			Detail: "the new refresh token could not be stored: " + err.Error()}
	}
	return c
}

// readBack takes over the secrets that the program has stored in the product's rows.
func (w *World) readBack(b *box) {
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		r := w.rows[id]
		if r.box != b {
			continue
		}
		sealed, err := w.store.SealedSecrets(context.Background(), []string{id})
		if err != nil {
			continue
		}
		if secret, err := w.open(id, sealed[id]); err == nil && secret != r.secret {
			r.secret = secret
			w.tellRow(r)
			w.tellBox(b)
		}
	}
}

func (w *World) answer(p *Process, a providers.Attempt) (c providers.Conversation, wait time.Duration, fresh string) {
	b := w.boxes[strings.ToLower(a.Login)]
	provider := w.providerOf(a.Endpoint.Host)
	seen := observe.SignIn{
		Provider: provider, Host: a.Endpoint.Host, Port: a.Endpoint.Port, Login: a.Login, Folded: strings.ToLower(a.Login), OAuth: a.Grant != nil,
	}
	w.asked[a.Login]++
	pick := w.chance("latency", a.Login, w.asked[a.Login])
	wait = 50*time.Millisecond + time.Duration(pick.IntN(900))*time.Millisecond
	c = providers.Conversation{Connected: true, Stage: providers.StageAuth, LocalAddr: netip.MustParseAddr("192.0.2.7"), TLSVersion: "TLS 1.3"}
	probe := a.Login == "nobody" && len(a.Mechanisms) == 0
	m := w.moodOf(provider)
	if a.Grant != nil && m.Mood == observe.Refusing {
		m = &mood{ProviderIs: observe.ProviderIs{Mood: observe.Well}} // the token endpoint is another server, and knows a grant
	}
	met := m.meets(w, seen.Folded) || probe && m.Share >= 1 && m.Mood == observe.Away
	switch {
	case w.closed, met && m.Mood == observe.Away:
		c = providers.Conversation{Fault: providers.FaultConnect, Detail: "connection refused", Stage: providers.StageGreeting}
		seen.Answer = observe.Unreached
		w.observe(p, seen)
		return c, wait, ""
	case probe:
		c.Fault, c.Stage = providers.FaultNoMechanism, providers.StageEHLO
		return c, wait, ""
	}
	seen.Sent, c.CredentialSent = true, true
	seen.Secret = w.secretID(a.Secret.Reveal())
	var reply string
	seen.Meaning, seen.Answer, reply = w.wellAnswer(a, b)
	if a.Grant != nil && w.client[provider] {
		c.Stage, c.CredentialSent = providers.StageOAuthToken, false
		seen.Answer, seen.Sent, reply = observe.OfMood, false, "401\n{\"error\":\"invalid_client\",\"error_description\":\"The OAuth client was not found.\"}"
	}
	if met && !(a.Grant != nil && w.client[provider]) {
		seen.Answer, reply = observe.OfMood, w.moodReply(b, m.Mood)
		switch m.Mood {
		case observe.Hangs:
			c.Fault, c.Detail, wait = providers.FaultTimeout, "no answer in time", hangs
			reply = ""
		case observe.Throttles:
			c.CredentialSent, seen.Sent, c.Stage = false, false, providers.StageGreeting
		}
	}
	if a.Grant != nil && !met {
		c.Mechanism = providers.XOAuth2
		if seen.Answer == observe.Refused {
			c.Stage = providers.StageOAuthToken
		} else if seen.Answer == observe.Accepted && provider == "microsoft" {
			b.issued++
			fresh = fmt.Sprintf("refresh-%d-%d", b.n, b.issued)
			w.observe(p, observe.SecretRenewed{Old: seen.Secret, New: w.secretID(fresh)})
			b.refresh[fresh] = true // and the old one lives on, as with Microsoft
		}
	}
	if c.Fault == providers.FaultNone && reply != "" {
		c.Reply = providers.ParseReply(c.Stage, reply)
	}
	seen.Reply = reply
	w.observe(p, seen)
	return c, wait, fresh
}

// wellAnswer is what a provider in good health says.
func (w *World) wellAnswer(a providers.Attempt, b *box) (meaning string, answer observe.Answer, wire string) {
	if b == nil {
		return string(sim.Refused), observe.Refused, sim.Dovecot().Wire(sim.Refused, int64(w.observed), time.Now())
	}
	meaning = b.meaning(a.Secret.Reveal(), a.Grant != nil)
	answer = observe.Refused
	if meaning == string(sim.Accepted) {
		answer = observe.Accepted
	}
	if a.Grant != nil && answer == observe.Refused {
		return meaning, answer, "400\n{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}"
	}
	return meaning, answer, b.persona.Wire(sim.Answer(meaning), int64(w.observed), time.Now())
}

func (w *World) moodReply(b *box, m observe.Mood) string {
	persona := sim.Dovecot()
	if b != nil {
		persona = b.persona
	}
	switch m {
	case observe.Refusing:
		return persona.Wire(sim.Refused, int64(w.observed), time.Now())
	case observe.Outage535:
		return "535 5.7.8 Error: authentication failed: generic failure"
	case observe.Throttles:
		return "421 4.7.0 Too many connections, try again later"
	case observe.Babbles:
		return "535 5.9.9 The quorum of the lesser spheres is not in session"
	}
	return ""
}

// providerOf names the provider whose host it is.
func (w *World) providerOf(host string) string {
	for part, name := range map[string]string{
		"gmail.com": "google", "office365.com": "microsoft", "outlook.com": "microsoft", "yahoo.com": "yahoo", "me.com": "apple",
		"zoho.com": "zoho", "fastmail.com": "fastmail",
	} {
		if strings.HasSuffix(host, part) {
			return name
		}
	}
	return "other"
}

// LookupMX answers as the name service does.
func (w *World) LookupMX(_ context.Context, domain string) ([]string, error) {
	switch {
	case strings.HasPrefix(domain, "g-"):
		return []string{"aspmx.l.google.com"}, nil
	case strings.HasPrefix(domain, "m-"):
		return []string{strings.ReplaceAll(domain, ".", "-") + ".mail.protection.outlook.com"}, nil
	case strings.HasSuffix(domain, ".example"):
		return []string{"mx." + domain}, nil
	}
	return nil, nil
}
