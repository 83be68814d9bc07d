package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

func TestIncidentUnopenedSecretAccusesNobody(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.inDatabase(`UPDATE mail_accounts SET secret = substr(secret, 1, length(secret) - 4) WHERE account_id IN ('a-03', 'a-04')`)
	s.atNight(1)
	s.done("run")
	if got := s.report("").verdictsOf(); !slices.Equal(got["unverified"], []string{"a-03", "a-04"}) {
		t.Errorf("findings %v", got)
	}
	if text := s.lastSummary(); !strings.Contains(text, "could not be opened") {
		t.Error("operations are not told")
	}
	s.nothingMailed()
}

// The token endpoint turns our client away, limits it, or breaks: one alarm, and nobody is accused.
func TestIncidentTokenEndpointAccusesNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	tokens := s.playTokens("oauth2.googleapis.com", sim.RotateNever)
	s.settings["providers"] = inYAML(oauthClients("google"))
	s.settings["retry_after"] = "4h"
	var rows []row
	for i := range 6 {
		rows = append(rows, s.grantRow(fmt.Sprintf("g-%02d", i), fmt.Sprintf("g%02d@gmail.com", i)))
	}
	s.install(rows...)
	s.done("run")
	for night, answer := range []string{
		"401\n" + `{"error":"invalid_client"}`,
		"400\n" + `{"error":"unauthorized_client"}`,
		"400\n" + `{"error":"invalid_scope"}`,
		"429\n" + `{"error":"rate_limit_exceeded"}`,
		"503\n" + "unavailable",
	} {
		tokens.SetMood(sim.TokenMood{Answer: answer})
		s.atNight(night + 1)
		s.done("run")
		if r := s.report(""); r.Verdicts["unverified"] != 6 {
			t.Errorf("%q: %v", answer, r.Verdicts)
		}
		if night < 2 && strings.Count(s.lastSummary(), "OAuth client") == 0 {
			t.Errorf("%q: operations are not told: %s", answer, s.lastSummary())
		}
	}
	s.nothingMailed()
}
