package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// factors reads the latest report: Yahoo's accounts by two-factor, and what is attested.
func (s *scene) factors() (yahoo map[string]int, raised map[string]int, contradicted []string) {
	s.t.Helper()
	var r struct {
		Verdicts  map[string]int
		Providers []struct {
			Provider  string
			TwoFactor map[string]int `json:"two_factor"`
		}
		Attestations struct {
			Raised         map[string]int
			Contradictions []struct {
				AccountID string `json:"account_id"`
				Kind      string
				AgeDays   int `json:"age_days"`
				Against   string
			}
		}
	}
	s.need(json.Unmarshal([]byte(s.done("report", "--format", "json")), &r))
	if r.Verdicts["compliant"] != 24 {
		s.t.Errorf("verdicts %v: an attestation changes none", r.Verdicts)
	}
	for _, c := range r.Attestations.Contradictions {
		contradicted = append(contradicted, fmt.Sprintf("%s %s of %d days against %s", c.AccountID, c.Kind, c.AgeDays, c.Against))
	}
	for _, p := range r.Providers {
		if p.Provider == "yahoo" {
			yahoo = p.TwoFactor
		}
	}
	return yahoo, r.Attestations.Raised, contradicted
}

// The product says of four clinics at Yahoo what it knows of their two-step verification: one signs in to it in two steps, one
// has stated so while a directory says no, one did a hundred days ago, one says nothing. A fifth row bears a word that is no
// kind. Then the table is gone, and then nothing is configured any more.
func TestWhatTheProductAttests(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.embedded()
	s.inDatabase(`CREATE TABLE attests (account_id TEXT, kind TEXT, value, seen_at, expires_at)`)
	s.atNight(1)
	first := s.clock.Now()
	ago := func(days int) string { return first.AddDate(0, 0, -days).UTC().Format(time.RFC3339) }
	for _, r := range [][]any{
		{"a-20", "oidc_amr_mfa", true, ago(5), nil}, {"a-21", "customer_statement", "yes", ago(10), nil}, {"a-21", "google_2sv_enrolled", 0, ago(1), nil},
		{"a-22", "oidc_amr_mfa", 1, ago(100), nil}, {"a-23", "entra_mfa_registered", 1, ago(2), ago(1)}, {"a-00", "passkey", 1, ago(1), nil},
	} {
		s.inDatabase(`INSERT INTO attests VALUES (?, ?, ?, ?, ?)`, r...)
	}
	s.settings["attestations"] = "attests"
	s.done("run", "--key", "attested")
	yahoo, raised, contradicted := s.factors()
	if yahoo["shown"] != 1 || yahoo["likely"] != 1 || yahoo["unknown"] != 2 {
		t.Errorf("Yahoo by strength: %v", yahoo)
	}
	if raised["oidc_amr_mfa"] != 1 || raised["customer_statement"] != 1 || raised["google_2sv_enrolled"] != 0 {
		t.Errorf("raised: %v", raised)
	}
	if len(contradicted) != 1 || contradicted[0] != "a-21 customer_statement of 10 days against google_2sv_enrolled" {
		t.Errorf("contradictions: %q", contradicted)
	}
	for _, want := range []string{"2FA of 2 accounts raised by attestation: 1 oidc_amr_mfa, 1 customer_statement; 1 contradicted", "column kind holds a word that is no kind"} {
		if !strings.Contains(s.lastSummary(), want) {
			t.Errorf("Slack does not say %q", want)
		}
	}
	if list := s.done("report", "--format", "csv"); !strings.Contains(list, ",oidc_amr_mfa,"+ago(5)+",no") {
		t.Errorf("the list of accounts does not have the kind and its day:\n%s", list)
	}
	if out := s.done("explain", "a-20"); !strings.Contains(out, "2FA confirmed (oidc_amr_mfa, seen 5 days ago)") {
		t.Errorf("explain: %s", out)
	}
	o := s.do("doctor")
	if line := doctorLine(o.stdout, "FAIL", "attestations"); !strings.Contains(line, "no kind") {
		t.Errorf("doctor: %s", o.stdout)
	}
	if line := doctorLine(o.stdout, "ok", "attestations"); !strings.Contains(line, "2 oidc_amr_mfa (1 hold, 0 say no, 1 are older than 90 days or expired)") {
		t.Errorf("doctor: %s", o.stdout)
	}

	s.inDatabase(`DROP TABLE attests`)
	s.atNight(2)
	s.done("run", "--key", "unreadable")
	if again, _, _ := s.factors(); again["shown"] != 1 || again["likely"] != 1 {
		t.Errorf("what cannot be read lowers: %v", again)
	}
	if !strings.Contains(s.lastSummary(), "attestations of two-factor cannot be read") {
		t.Errorf("Ops are not told: %s", s.lastSummary())
	}
	s.settings["attestations"] = `""`
	s.atNight(3)
	s.done("run", "--key", "none")
	if none, _, _ := s.factors(); none["unknown"] != 4 {
		t.Errorf("with none configured: %v", none)
	}
	s.nothingMailed()
	from := sceneStart().Format(time.DateOnly)
	s.done("evidence", "--from", from, "--to", sceneStart().AddDate(0, 0, 9).Format(time.DateOnly), "--out", s.path("pack.zip"))
	s.done("evidence", "verify", s.path("pack.zip"))
	if letter := s.done("evidence", "--tenant", "T-20", "--from", from, "--to", sceneStart().AddDate(0, 0, 2).Format(time.DateOnly)); !strings.Contains(letter, "confirmed, by a sign-in in two steps of ") {
		t.Errorf("letter: %s", letter)
	}
}

// The product sends by twenty mailboxes every day. Night after night the program spares those that it asked lately: not the
// one whose password changed, not the one that stopped sending, and each of them every third night.
func TestWhoSendsEveryDayIsNotAskedEveryNight(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["reuse_traffic"] = "{within: 24h, at_most: 71h}"
	s.settings["metrics"] = inYAML(map[string]any{"textfile": s.path("mailaudit.prom")})
	sends := func(night, from, to int, at time.Duration) {
		s.atNight(night)
		var rows []row
		for i := from; i < to; i++ {
			domain := "gmail.com"
			if i >= 20 {
				domain = "yahoo.com"
			}
			r := s.clinic(i, domain)
			r["last_sent_ok_at"] = s.clock.Now().Add(at).UTC().Format(time.RFC3339)
			rows = append(rows, r)
		}
		s.imported(rows...)
	}
	asked := func(night string) (signIns, byTraffic int) {
		s.t.Helper()
		before := s.counters().Credentials
		s.done("run", "--key", night)
		var r struct {
			Run      struct{ Accounts, Verified int }
			Quality  map[string]int
			Verdicts map[string]int
		}
		s.need(json.Unmarshal([]byte(s.done("report", "--format", "json")), &r))
		if r.Run.Verified != 24 {
			t.Errorf("%s: %d verified: by traffic is verified", night, r.Run.Verified)
		}
		return int(s.counters().Credentials - before), r.Quality["by_traffic"]
	}
	sends(1, 0, 20, -2*time.Hour)
	sends(1, 20, 24, 200*time.Hour) // their clock is wrong
	changed := s.clinic(1, "gmail.com")
	changed["secret"], changed["last_sent_ok_at"] = "ponmlkjihgfedcba", s.clock.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339)
	s.world.Change("front01@gmail.com", func(a *sim.Account) { a.AppPasswords = []string{"ponmlkjihgfedcba"} })
	s.imported(changed)
	if n, spared := asked("first"); n != 5 || spared != 19 {
		t.Errorf("%d sign-ins, %d by traffic; want 5 and 19", n, spared)
	}
	if !strings.Contains(s.lastSummary(), "19 by traffic, not asked") {
		t.Errorf("Slack does not say so: %s", s.lastSummary())
	}
	if out := s.done("report"); !strings.Contains(out, "19 by traffic, not asked") {
		t.Errorf("text: %s", out)
	}
	if list := s.done("report", "--format", "csv"); strings.Count(list, ",yes\n") != 19 {
		t.Errorf("the list of accounts names others:\n%s", list)
	}
	if out := s.done("explain", "a-02"); !strings.Contains(out, "not asked: the product had sent mail by the same credential") {
		t.Errorf("explain: %s", out)
	}
	if text, err := os.ReadFile(s.path("mailaudit.prom")); err != nil || !strings.Contains(string(text), "mailaudit_run_by_traffic 19") {
		t.Errorf("metric: %v", err)
	}

	s.revoke(0, 1)
	sends(2, 2, 20, -2*time.Hour) // a-00 cannot send any more, and says so by its silence
	s.revoke(0, 1)
	before := s.counters().Credentials
	s.done("run", "--key", "second")
	if got := s.report("").verdictsOf(); len(got["revoked"]) != 1 {
		t.Errorf("findings %v: the revoked one is asked the first night after it stopped sending", got)
	}
	if n := s.counters().Credentials - before; n != 6 {
		t.Errorf("%d sign-ins, want 6: a-00, a-01 and Yahoo's four", n)
	}
	sends(3, 2, 20, -2*time.Hour)
	before = s.counters().Credentials
	s.done("run", "--key", "third")
	if n := s.counters().Credentials - before; n != 24 {
		t.Errorf("%d sign-ins in the third night, want all 24: nobody is spared longer", n)
	}
	o := s.do("run", "--key", "third")
	if o.code != exit.Done {
		t.Errorf("again: exit %d", o.code)
	}
	s.done("evidence", "--from", sceneStart().Format(time.DateOnly), "--to", sceneStart().AddDate(0, 0, 9).Format(time.DateOnly), "--out", s.path("pack.zip"))
	s.done("evidence", "verify", s.path("pack.zip"))
	s.leftClean()
}
