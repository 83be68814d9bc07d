package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/realmail"
	"mailaudit/providers/sim"
)

// Grants against software that was not written here: Postfix with Dovecot, which asks a token endpoint whose each
// access token is. Google's mailboxes are proved by XOAUTH2, Yahoo's by OAUTHBEARER, with tokens that no line of a
// command would hold; who stored another's grant is refused by Dovecot itself.
func TestRealDovecotTakesTokens(t *testing.T) {
	t.Parallel()
	needed(t, realmail.Missing())
	s := newScene(t)
	googleTokens := s.playTokens("oauth2.googleapis.com", sim.RotateNever)
	s.playTokens("api.login.yahoo.com", sim.RotateEnds)
	s.settings["providers"] = inYAML(oauthClients("google", "yahoo"))
	certificate, err := s.authority.Issue("smtp.gmail.com", "smtp.mail.yahoo.com")
	s.need(err)
	server, err := realmail.Start(realmail.Options{Certificate: certificate, Domain: "customers.example", Introspection: googleTokens.IntrospectionURL()})
	s.need(err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(server.Log())
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, host := range []string{"smtp.gmail.com", "smtp.mail.yahoo.com"} {
		s.places[host+":465"], s.places[host+":587"] = server.Addr(realmail.PlainTLS), server.Addr(realmail.PlainSTARTTLS)
	}
	var rows []row
	for i := range 10 {
		google := s.grantRow(fmt.Sprintf("g-%02d", i), fmt.Sprintf("g%02d@gmail.com", i))
		google["host"], google["port"] = "smtp.gmail.com", []string{"465", "587"}[i%2]
		rows = append(rows, google, s.grantRow(fmt.Sprintf("y-%02d", i), fmt.Sprintf("y%02d@yahoo.com", i)))
	}
	for _, other := range []row{s.grantRow("g-other", "other@gmail.com"), s.grantRow("y-other", "other@yahoo.com")} {
		other["secret"] = s.world.Connect("somebody.else@clinic.example")
		rows = append(rows, other)
	}
	s.install(rows...)
	s.done("run")
	r := s.report("")
	if want := map[string]int{"compliant": 20, "invalid": 2}; !maps.Equal(counted(r.Verdicts), want) {
		t.Fatalf("got %v, want %v: %+v", r.Verdicts, want, r.Findings)
	}
	if got := r.verdictsOf()["invalid"]; !slices.Equal(got, []string{"g-other", "y-other"}) {
		t.Errorf("invalid: %v", got)
	}
	for _, f := range r.Findings {
		if !strings.Contains(f.Reply, "535") || !strings.Contains(f.Reply, "status") {
			t.Errorf("%s: the error challenge is not kept beside the final reply: %q", f.AccountID, f.Reply)
		}
	}
	mechanisms, err := server.Mechanisms()
	s.need(err)
	if mechanisms["XOAUTH2"] != 11 || mechanisms["OAUTHBEARER"] != 11 {
		t.Errorf("mechanisms: %v", mechanisms)
	}
	s.nothingLeaks()
}
