package dial_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/dial"
	"mailaudit/providers/sim"
)

const (
	clientID     = "client-4711"
	clientSecret = "client-secret/Canary+9"
	tokenHost    = "oauth2.provider.example"
)

// grantStage is a provider whose account is connected by OAuth, and its token endpoint.
type grantStage struct {
	t       *testing.T
	persona sim.Persona
	mail    *sim.Server
	tokens  *sim.Tokens
	world   *sim.World
	dialer  *dial.Dialer
	refresh string
	kept    []string
	keep    func(ctx context.Context, fresh providers.Secret) error
}

func stageGrant(t *testing.T, persona sim.Persona, rotation sim.Rotation, change func(*dial.Config)) *grantStage {
	t.Helper()
	s := &grantStage{t: t, persona: persona}
	s.mail, s.dialer, s.world = play(t, persona, sim.Mood{}, func(c *dial.Config) {
		authority, err := sim.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		s.tokens, err = sim.StartTokens(sim.TokenOptions{
			Authority: authority, World: sim.NewWorld(), Hosts: []string{tokenHost}, Client: clientID, Secret: clientSecret, Rotation: rotation,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.tokens.Close() })
		c.RootCAs.AppendCertsFromPEM(authority.PEM())
		c.ConnectTo[tokenHost+":443"] = s.tokens.Addr()
		if change != nil {
			change(c)
		}
	})
	s.tokens.SetWorld(s.world)
	s.refresh = s.world.Connect(login)
	return s
}

func (s *grantStage) attempt(mechanisms ...providers.Mechanism) providers.Attempt {
	a := attempt(s.persona, providers.ImplicitTLS, s.refresh)
	a.Mechanisms = mechanisms
	a.Grant = &providers.Grant{
		Client: providers.Client{ID: clientID, Secret: providers.NewSecret(clientSecret), TokenURL: "https://" + tokenHost + "/token"},
		Scopes: []string{"mail", "offline_access"},
		Keep: func(ctx context.Context, fresh providers.Secret) error {
			s.kept = append(s.kept, fresh.Reveal())
			if s.keep != nil {
				return s.keep(ctx, fresh)
			}
			return nil
		},
	}
	return a
}

// clean checks that nobody is told what must not be told.
func (s *grantStage) clean(c providers.Conversation) {
	s.t.Helper()
	text := c.Detail + "\n" + c.Reply.Text + "\n" + c.Reply.SASLError + "\n" + c.Reply.OAuthError + "\n" + c.Reply.Evidence()
	for _, l := range c.Dialogue {
		text += "\n" + l.Text
	}
	for _, secret := range append(s.kept, s.refresh, clientSecret, "ya29.") {
		if strings.Contains(text, secret) {
			s.t.Errorf("%q is told: %s", secret, text)
		}
	}
}

func TestGrantIsProved(t *testing.T) {
	for _, tt := range []struct {
		persona sim.Persona
		offer   []providers.Mechanism
		want    providers.Mechanism
	}{
		{sim.Google(), []providers.Mechanism{providers.XOAuth2, providers.OAuthBearer}, providers.XOAuth2},
		{sim.Yahoo(), []providers.Mechanism{providers.OAuthBearer, providers.XOAuth2}, providers.OAuthBearer},
		{sim.Microsoft365(), []providers.Mechanism{providers.XOAuth2}, providers.XOAuth2},
	} {
		t.Run(tt.persona.Name, func(t *testing.T) {
			s := stageGrant(t, tt.persona, sim.RotateNever, nil)
			a := s.attempt(tt.offer...)
			a.Endpoint = providers.Endpoint{Host: tt.persona.Hosts[0], Port: 587, Security: providers.STARTTLS}
			c := s.dialer.Verify(t.Context(), a)
			s.clean(c)
			if c.Fault != providers.FaultNone || c.Reply.Code != 235 || c.Mechanism != tt.want || !c.Reply.Token || !c.CredentialSent {
				t.Fatalf("got %+v", c)
			}
			requests := s.tokens.Requests()
			if len(requests) != 1 || requests[0].Scope != "mail offline_access" || requests[0].Basic || requests[0].Host != tokenHost {
				t.Errorf("requests: %+v", requests)
			}
			if len(s.kept) != 0 {
				t.Errorf("%d refresh tokens kept where none was new", len(s.kept))
			}
			if n := s.mail.Counters(); n.Auths != 1 || n.Credentials != 1 {
				t.Errorf("counters: %+v", n)
			}
		})
	}
}

// The 334 that is an error is answered as the mechanism wants it, its JSON is kept, and the final reply decides.
func TestErrorChallenge(t *testing.T) {
	for _, tt := range []struct {
		persona   sim.Persona
		mechanism providers.Mechanism
		code      int
		sasl      string
		class     providers.Class
	}{
		{sim.Google(), providers.XOAuth2, 535, `"status":"400"`, ""},
		{sim.Google(), providers.OAuthBearer, 535, `"status":"400"`, ""},
		{sim.Yahoo(), providers.OAuthBearer, 535, `"invalid_token"`, ""},
		{sim.Microsoft365(), providers.XOAuth2, 535, "", ""},
	} {
		t.Run(tt.persona.Name+" "+string(tt.mechanism), func(t *testing.T) {
			s := stageGrant(t, tt.persona, sim.RotateNever, nil)
			a := s.attempt(tt.mechanism)
			a.Login = "someone.else@clinic.example" // whose token it is not
			a.Endpoint = providers.Endpoint{Host: tt.persona.Hosts[0], Port: 587, Security: providers.STARTTLS}
			c := s.dialer.Verify(t.Context(), a)
			s.clean(c)
			if c.Fault != providers.FaultNone || c.Reply.Code != tt.code || !strings.Contains(c.Reply.SASLError, tt.sasl) || !c.Reply.Token {
				t.Errorf("got %+v", c)
			}
			if tt.sasl != "" && !strings.Contains(c.Reply.Evidence(), tt.sasl) {
				t.Errorf("evidence: %s", c.Reply.Evidence())
			}
		})
	}
}

// A server that hangs up after the error challenge has said enough.
func TestErrorChallengeWithoutFinalReply(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	s.mail.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Drop()}})
	a := s.attempt(providers.XOAuth2)
	a.Login = "someone.else@clinic.example"
	c := s.dialer.Verify(t.Context(), a)
	if c.Fault != providers.FaultNone || c.Reply.Code != 334 || !strings.Contains(c.Reply.SASLError, "400") {
		t.Errorf("got %+v", c)
	}
}

func TestNewRefreshTokenIsKeptFirst(t *testing.T) {
	s := stageGrant(t, sim.Yahoo(), sim.RotateEnds, nil)
	s.keep = func(ctx context.Context, fresh providers.Secret) error {
		if n := s.mail.Counters().Connections; n != 0 {
			t.Errorf("%d connections to the mail server before the refresh token was kept", n)
		}
		if !s.world.Lives(fresh.Reveal()) || s.world.Lives(s.refresh) {
			t.Error("the kept one is not the one alive")
		}
		return nil
	}
	c := s.dialer.Verify(t.Context(), s.attempt(providers.OAuthBearer))
	s.clean(c)
	if c.Reply.Code != 235 || len(s.kept) != 1 {
		t.Fatalf("kept %d, got %+v", len(s.kept), c)
	}

	s = stageGrant(t, sim.Yahoo(), sim.RotateEnds, nil)
	s.keep = func(context.Context, providers.Secret) error { return errors.New("disk full") }
	c = s.dialer.Verify(t.Context(), s.attempt(providers.OAuthBearer))
	s.clean(c)
	if c.Fault != providers.FaultOurs || !strings.Contains(c.Detail, "disk full") || s.mail.Counters().Connections != 0 {
		t.Errorf("not kept, and yet: %+v", c)
	}
}

// Whoever gives up while the endpoint thinks still keeps what it answers.
func TestGivingUpKeepsTheGrant(t *testing.T) {
	s := stageGrant(t, sim.Yahoo(), sim.RotateEnds, nil)
	s.tokens.SetMood(sim.TokenMood{Wait: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	s.keep = func(ctx context.Context, _ providers.Secret) error { return ctx.Err() }
	time.AfterFunc(50*time.Millisecond, cancel)
	c := s.dialer.Verify(ctx, s.attempt(providers.OAuthBearer))
	if len(s.kept) == 0 && c.CredentialSent {
		t.Fatalf("sent and not kept: %+v", c)
	}
	if c.Fault != providers.FaultCancelled || s.mail.Counters().Connections != 0 {
		t.Errorf("got %+v", c)
	}
}

// What cannot be said to the mail server is not asked for: no grant is renewed that nothing is done with.
func TestUnsayableLoginIsNotRedeemed(t *testing.T) {
	s := stageGrant(t, sim.Yahoo(), sim.RotateEnds, nil)
	for _, login := range []string{"front.desk@clinic.example\x00", "front.desk@clinic.example\x01auth=Bearer x"} {
		a := s.attempt(providers.XOAuth2)
		a.Login = login
		if c := s.dialer.Verify(t.Context(), a); c.Fault != providers.FaultOurs || c.CredentialSent {
			t.Errorf("%q: %+v", login, c)
		}
	}
	if n := len(s.tokens.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// An endpoint that dribbles its answer has no longer than the conversation.
func TestTokenEndpointThatDribbles(t *testing.T) {
	slow := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	}))
	slow.Start()
	defer slow.Close()
	s := stageGrant(t, sim.Google(), sim.RotateNever, func(c *dial.Config) { c.AllowPrivate, c.Timeout = true, 200*time.Millisecond })
	a := s.attempt(providers.XOAuth2)
	a.Grant.Client.TokenURL = slow.URL
	c := s.dialer.Verify(t.Context(), a)
	s.clean(c)
	if c.Fault != providers.FaultOurs || !strings.Contains(c.Detail, "token endpoint") || !c.CredentialSent { // it said 200
		t.Errorf("got %+v", c)
	}
}

// Whoever gives up before anything is sent waits for nothing and has spent nothing.
func TestGivingUpBeforeTheGrantIsSent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := stageGrant(t, sim.Yahoo(), sim.RotateEnds, func(c *dial.Config) {
		delete(c.ConnectTo, tokenHost+":443")
		c.Resolver = lookup(func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		c.Timeout = time.Minute
	})
	started := time.Now()
	c := s.dialer.Verify(ctx, s.attempt(providers.OAuthBearer))
	if c.Fault != providers.FaultCancelled || c.CredentialSent || len(s.tokens.Requests()) != 0 {
		t.Errorf("got %+v", c)
	}
	if took := time.Since(started); took > 15*time.Second { // of the 20 that an exchange which has begun is waited for
		t.Errorf("it was waited for %s", took)
	}
}

// lookup answers no name.
type lookup func(context.Context) error

func (f lookup) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return nil, f(ctx)
}

// No mood of a token endpoint makes a finding, and none leads the grant elsewhere.
func TestTokenEndpointMoods(t *testing.T) {
	elsewhere, err := sim.StartTokens(sim.TokenOptions{Authority: mustAuthority(t), World: sim.NewWorld()})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	quick := func(c *dial.Config) { c.Timeout = 300 * time.Millisecond }
	for _, tt := range []struct {
		name   string
		mood   sim.TokenMood
		config func(*dial.Config)
		fault  providers.Fault
		code   int
		after  time.Duration
	}{
		{name: "hang", mood: sim.TokenMood{Hang: true}, config: quick, fault: providers.FaultTimeout},
		{name: "drop", mood: sim.TokenMood{Drop: true}, fault: providers.FaultDropped},
		{name: "answer lost", mood: sim.TokenMood{DropAfter: true}, fault: providers.FaultDropped},
		{name: "429", mood: sim.TokenMood{Answer: "429\nslow down", RetryAfter: "90"}, code: 429, after: 90 * time.Second},
		{name: "429 until a day", mood: sim.TokenMood{Answer: "429\nslow down", RetryAfter: "Fri, 31 Dec 9999 23:59:59 GMT"}, code: 429, after: time.Hour},
		{name: "503", mood: sim.TokenMood{Answer: "503\n", RetryAfter: "9999999"}, code: 503, after: time.Hour},
		{name: "HTML", mood: sim.TokenMood{Answer: "200\n<html>Welcome</html>", HTML: true}, fault: providers.FaultOurs},
		{name: "HTML refusal", mood: sim.TokenMood{Answer: "502\n<html>Bad gateway</html>", HTML: true}, code: 502},
		{name: "empty", mood: sim.TokenMood{Answer: "200\n"}, fault: providers.FaultOurs},
		{name: "no token", mood: sim.TokenMood{Answer: "200\n{\"access_token\":\"\"}"}, fault: providers.FaultOurs},
		{name: "broken JSON", mood: sim.TokenMood{Answer: "200\n{\"access_token\":\"abc"}, fault: providers.FaultOurs},
		{name: "10 MB", mood: sim.TokenMood{Answer: "200\n{", Large: 10 << 20}, fault: providers.FaultOurs},
		{name: "10 MB of refusal", mood: sim.TokenMood{Answer: "400\n{\"error\":\"invalid_grant\"}", Large: 10 << 20}, fault: providers.FaultProtocol},
		{name: "redirect", mood: sim.TokenMood{Redirect: elsewhere.URL()}, config: func(c *dial.Config) { c.AllowPrivate = true }, code: 307},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stageGrant(t, sim.Google(), sim.RotateNever, tt.config)
			s.tokens.SetMood(tt.mood)
			c := s.dialer.Verify(t.Context(), s.attempt(providers.XOAuth2))
			s.clean(c)
			if c.Fault != tt.fault || c.Reply.Code != tt.code || c.Stage != providers.StageOAuthToken || c.RetryAfter != tt.after || !c.CredentialSent {
				t.Errorf("got %+v", c)
			}
			if n := s.mail.Counters().Connections; n != 0 {
				t.Errorf("%d connections to the mail server", n)
			}
		})
	}
	if n := len(elsewhere.Requests()); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

func TestTokenEndpointDown(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	s.tokens.Close()
	a := s.attempt(providers.XOAuth2)
	a.Grant.Client.TokenURL += "?key=" + clientSecret // net/http's errors name the URL, and it may hold a secret
	c := s.dialer.Verify(t.Context(), a)
	s.clean(c)
	if c.Fault != providers.FaultConnect || c.CredentialSent || strings.Contains(c.Detail, "key=") {
		t.Errorf("got %+v", c)
	}
	s.tokens, _ = sim.StartTokens(sim.TokenOptions{Authority: mustAuthority(t), World: s.world}) // for the cleanup
}

func TestTokenEndpointIsVerified(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	for _, tt := range []struct {
		url   string
		fault providers.Fault
	}{
		{s.tokens.URL(), providers.FaultOurs}, // clear HTTP, and allow_private is off
		{"http://" + tokenHost + "/token", providers.FaultOurs},
		{"https://127.0.0.1:1/token", providers.FaultAddressRefused},
		{"ftp://x", providers.FaultOurs},
	} {
		a := s.attempt(providers.XOAuth2)
		a.Grant.Client.TokenURL = tt.url
		if c := s.dialer.Verify(t.Context(), a); c.Fault != tt.fault || c.CredentialSent {
			t.Errorf("%s: %+v", tt.url, c)
		}
	}
	s = stageGrant(t, sim.Google(), sim.RotateNever, func(c *dial.Config) { c.ConnectTo["wrong.example:443"] = s.tokens.Addr() })
	a := s.attempt(providers.XOAuth2)
	a.Grant.Client.TokenURL = "https://wrong.example/token"
	if c := s.dialer.Verify(t.Context(), a); c.Fault != providers.FaultTLSUntrusted || c.CredentialSent {
		t.Errorf("a certificate of nobody's: %+v", c)
	}
	s = stageGrant(t, sim.Google(), sim.RotateNever, func(c *dial.Config) { c.AllowPrivate = true })
	a = s.attempt(providers.XOAuth2)
	a.Grant.Client.TokenURL = s.tokens.URL()
	if c := s.dialer.Verify(t.Context(), a); c.Reply.Code != 235 {
		t.Errorf("clear HTTP to loopback, allowed: %+v", c)
	}
}

func TestEchoingTokenEndpoint(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	s.tokens.SetMood(sim.TokenMood{Echo: true})
	s.world.Revoke(login)
	c := s.dialer.Verify(t.Context(), s.attempt(providers.XOAuth2))
	s.clean(c)
	if c.Reply.OAuthError != "invalid_grant" || c.Stage != providers.StageOAuthToken {
		t.Errorf("got %+v", c)
	}
	s = stageGrant(t, sim.Google(), sim.RotateNever, nil)
	s.mail.SetMood(sim.Mood{EchoSecret: true})
	c = s.dialer.Verify(t.Context(), s.attempt(providers.XOAuth2))
	s.clean(c)
	if c.Reply.Code != 235 {
		t.Errorf("got %+v", c)
	}
}

func mustAuthority(t *testing.T) *sim.Authority {
	t.Helper()
	a, err := sim.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}
