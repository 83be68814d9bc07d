package dial_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/providertest"
	"mailaudit/providers/sim"
)

// askTokenEndpoint has a token endpoint give one answer, over HTTP, and reads it by the provider's rules.
func askTokenEndpoint(t *testing.T, s *grantStage, provider, answer string) (providers.Conversation, providers.Reading) {
	t.Helper()
	s.world.Change(login, func(a *sim.Account) { a.TokenAnswer = answer })
	c := s.dialer.Verify(t.Context(), s.attempt(providers.XOAuth2))
	p, ok := catalog.ByName(provider)
	if !ok {
		t.Fatalf("no provider %s", provider)
	}
	return c, p.Read(c, false)
}

// Every answer of a token endpoint that the project knows means over HTTP what its label says.
func TestTokenAnswersOverHTTP(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	files := map[string]string{"google": filepath.Join("..", "testdata", "common.txt")}
	cases := map[string][]providertest.Case{}
	for provider, path := range files {
		cases[provider] = append(cases[provider], providertest.ReadCases(t, path)...)
	}
	for _, p := range catalog.All() {
		cases[p.Name] = append(cases[p.Name], providertest.ReadCases(t, filepath.Join("..", p.Name, "testdata", "replies.txt"))...)
	}
	n := 0
	for provider, list := range cases {
		for _, tt := range list {
			status, body, _ := strings.Cut(tt.Wire, "\n")
			if tt.Stage != providers.StageOAuthToken || len(status) != 3 || tt.Class == providers.Accepted {
				continue
			}
			n++
			if c, reading := askTokenEndpoint(t, s, provider, tt.Wire); reading.Class != tt.Class && !strings.HasPrefix(status, "2") {
				t.Errorf("%s, line %d: %s by %s, want %s: %q (%s)", provider, tt.Line, reading.Class, reading.Rule, tt.Class, body, c.Detail)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d answers were found", n)
	}
}

// What Microsoft's numbers mean to the audit, whatever the words beside them.
func TestAADSTSOverHTTP(t *testing.T) {
	s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
	for _, tt := range []struct {
		class providers.Class
		two   providers.TwoFactor
		actor providers.Actor
		error string
		codes []int
	}{
		{providers.CredentialRejected, "", "", "invalid_grant", []int{70008, 700082, 50173, 70043, 700084, 65001}},
		{providers.MFARequired, providers.TwoFactorShown, providers.ActorCustomer, "interaction_required", []int{50076, 50078, 50158}},
		{providers.MFARequired, providers.TwoFactorShown, providers.ActorCustomer, "invalid_grant", []int{50076}},
		{providers.MFARequired, providers.TwoFactorAbsent, providers.ActorCustomer, "interaction_required", []int{50072, 50079}},
		{providers.MFARequired, "", providers.ActorAdministrator, "invalid_grant", []int{53003, 53000}},
		{providers.AuthDisabled, "", providers.ActorAdministrator, "invalid_grant", []int{530035}},
		{providers.AccountBlocked, "", "", "invalid_grant", []int{50057}},
		{providers.ClientRefused, "", providers.ActorUs, "invalid_grant", []int{50053}}, // unless it says that the account is locked
		{providers.ClientRefused, "", providers.ActorUs, "invalid_client", []int{70002, 7000215, 7000222}},
		{providers.ClientRefused, "", providers.ActorUs, "unauthorized_client", []int{70001, 50194}},
		{providers.Temporary, "", "", "invalid_grant", []int{90033, 90006, 70012}},
		{providers.Throttled, "", "", "invalid_grant", []int{50196}},
	} {
		for _, code := range tt.codes {
			for _, form := range []string{
				fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: Worte.\r\nTrace ID: 0","error_codes":[%d]}`, tt.error, code, code),
				fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: Words."}`, tt.error, code),
			} {
				_, r := askTokenEndpoint(t, s, "microsoft", "400\n"+form)
				if r.Class != tt.class || r.TwoFactor != tt.two || r.Actor != tt.actor {
					t.Errorf("AADSTS%d with %s: %s, second factor %q, actor %q by %s; want %s, %q, %q", code, tt.error, r.Class, r.TwoFactor, r.Actor, r.Rule, tt.class, tt.two, tt.actor)
				}
			}
		}
	}
	_, r := askTokenEndpoint(t, s, "microsoft", "400\n"+`{"error":"invalid_grant","error_description":"AADSTS50053: The account is locked, you've tried to sign in too many times.","error_codes":[50053]}`)
	if r.Class != providers.AccountBlocked {
		t.Errorf("a locked account: %s", r.Class)
	}
}

// A corpus of labelled replies, where one is at hand, is played over HTTP and SMTP and means what it means on paper.
func TestCorpusOverTheWire(t *testing.T) {
	path := os.Getenv("MAILAUDIT_CORPUS")
	if path == "" {
		path = filepath.Join("..", "..", "..", "shared", "corpus", "replies.jsonl")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no corpus of replies (set MAILAUDIT_CORPUS to a file of labelled replies): %v", err)
	}
	defer f.Close()
	cases, err := catalog.ReadCases(f)
	if err != nil {
		t.Fatal(err)
	}
	tokens, challenges := 0, 0
	for _, c := range cases {
		o := c.Run()
		switch {
		case c.Stage == providers.StageOAuthToken:
			tokens++
			s := stageGrant(t, sim.Google(), sim.RotateNever, nil)
			_, r := askTokenEndpoint(t, s, c.Provider, c.Reply)
			if r.Class != o.Class || c.Confidence == "sure" && o.Differs() {
				t.Errorf("%s: %s by %s over HTTP, %s on paper, labelled %s", c.ID, r.Class, r.Rule, o.Class, c.Class)
			}
		case strings.HasPrefix(c.Reply, "334 ") && len(c.XOAuth2) > 0:
			challenges++
			var said string
			if json.Unmarshal(c.XOAuth2, &said) != nil {
				said = string(c.XOAuth2)
			}
			persona := sim.Google()
			persona.TokenChallenge = said
			s := stageGrant(t, persona, sim.RotateNever, nil)
			a := s.attempt(providers.XOAuth2)
			a.Login = "someone.else@clinic.example"
			conv := s.dialer.Verify(t.Context(), a)
			p, _ := catalog.ByName(c.Provider)
			if r := p.Read(conv, false); r.Class != c.Class || conv.Reply.SASLError == "" {
				t.Errorf("%s: %s by %s over SMTP, labelled %s (%s)", c.ID, r.Class, r.Rule, c.Class, base64.StdEncoding.EncodeToString([]byte(said)))
			}
		}
	}
	if tokens == 0 || challenges == 0 {
		t.Errorf("%d answers of token endpoints and %d error challenges in the corpus", tokens, challenges)
	}
	t.Logf("%d answers of token endpoints, %d error challenges", tokens, challenges)
}
