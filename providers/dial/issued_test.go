package dial_test

import (
	"context"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// A provider that ends a refresh token when it is used may write its answer down as it likes: each new token is kept,
// none is redeemed twice, and the mailbox is proved each time.
func TestNoFormOfTheAnswerCostsAGrant(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	s := stageGrant(t, sim.Yahoo(), sim.RotateEnds, nil)
	s.keep = func(_ context.Context, fresh providers.Secret) error {
		s.refresh = fresh.Reveal()
		return nil
	}
	forms := sim.OddTokenForms()
	if len(forms) < 20 {
		t.Fatalf("only %d forms", len(forms))
	}
	for i := range rounds {
		form := forms[i%len(forms)]
		s.tokens.SetMood(sim.TokenMood{Form: form})
		before := s.refresh
		c := s.dialer.Verify(t.Context(), s.attempt(providers.OAuthBearer))
		if c.Fault != providers.FaultNone || c.Reply.Code != 235 {
			t.Fatalf("round %d, %s: %s %s, reply %d", i, form.Name, c.Fault, c.Detail, c.Reply.Code)
		}
		if s.refresh == before || !s.world.Lives(s.refresh) {
			t.Fatalf("round %d, %s: the grant is lost", i, form.Name)
		}
		if i < len(forms) {
			s.clean(c)
		}
	}
	for i, r := range s.tokens.Requests() {
		if r.Login == "" {
			t.Errorf("request %d redeemed a refresh token that was spent", i)
		}
	}
	if n := len(s.tokens.Requests()); n != rounds {
		t.Errorf("%d requests in %d rounds", n, rounds)
	}
}

// A success that cannot be read is our own fault: nobody is accused of it, and it is not tried again in the run. What
// it holds of a new refresh token is kept all the same.
func TestASuccessThatIsNotUnderstood(t *testing.T) {
	for name, tt := range map[string]struct{ answer, kept string }{
		"a page":                     {"200\n<html><script>{\"access_token\":\"abc\"}</script>Welcome</html>", ""},
		"nothing":                    {"200\n", ""},
		"no content":                 {"204\n", ""},
		"words":                      {"200\nOK", ""},
		"no token":                   {"200\n{\"token_type\":\"Bearer\"}", ""},
		"an empty token":             {"200\n{\"access_token\":\"\"}", ""},
		"a token that is null":       {"200\n{\"access_token\":null,\"refresh_token\":null}", ""},
		"a word for null":            {"200\n{\"access_token\":\"null\",\"refresh_token\":\"undefined\"}", ""},
		"a token that was cut":       {"200\n{\"access_token\":\"abc", ""},
		"a refresh token that was":   {"200\n{\"refresh_token\":\"fresh-and-cut", ""},
		"a refresh token alone":      {"200\n{\"refresh_token\":\"fresh-canary\"}", "fresh-canary"},
		"and what follows is broken": {"200\n{\"refresh_token\":\"fresh-canary\",\"access_token\":", "fresh-canary"},
		"a token with a line feed":   {"200\n{\"access_token\":\"abc\\r\\nX: y\"}", ""},
		"a number in its place":      {"200\n{\"refresh_token\":12345678901234567890}", "12345678901234567890"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
			s.tokens.SetMood(sim.TokenMood{Answer: tt.answer})
			c := s.dialer.Verify(t.Context(), s.attempt(providers.XOAuth2))
			s.clean(c)
			if c.Fault != providers.FaultOurs || c.Stage != providers.StageOAuthToken || !c.CredentialSent || c.Detail == "" {
				t.Errorf("got %+v", c)
			}
			for _, foreign := range []bool{false, true} {
				if r := (&providers.Provider{}).Read(c, foreign); r.Actor != providers.ActorUs || r.Passing() || r.Accuses() {
					t.Errorf("read as %+v", r)
				}
			}
			if got := strings.Join(s.kept, " "); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
			if n := s.mail.Counters().Connections; n != 0 {
				t.Errorf("%d connections to the mail server", n)
			}
		})
	}
}
