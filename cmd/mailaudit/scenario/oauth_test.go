package scenario

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

const oauthSecret = "client-secret-Canary/9+"

// playTokens starts a token endpoint in the place of a provider's own.
func (s *scene) playTokens(host string, rotation sim.Rotation) *sim.Tokens {
	s.t.Helper()
	tokens, err := sim.StartTokens(sim.TokenOptions{
		Authority: s.authority, World: s.world, Hosts: []string{host}, Client: "client", Secret: oauthSecret, Rotation: rotation,
	})
	s.need(err)
	s.t.Cleanup(tokens.Close)
	s.places[host+":443"] = tokens.Addr()
	return tokens
}

// oauthClients configures our client at the providers that are named.
func oauthClients(names ...string) map[string]any {
	all := generous()
	for _, name := range names {
		all[name].(map[string]any)["oauth"] = map[string]any{"client_id": "client", "client_secret": oauthSecret, "secret_expires": "2099-01-01"}
	}
	return all
}

func (s *scene) grantRow(id, address string) row {
	s.world.Set(address, sim.Account{})
	return row{"account_id": id, "tenant_id": "t-" + id, "address": address, "auth": "oauth2", "secret": s.world.Connect(address), "contact_email": "owner-" + id + "@clinic.example"}
}

// nothingLeaks searches what the program wrote anywhere for tokens and our client's secret.
func (s *scene) nothingLeaks(tokens ...string) {
	s.t.Helper()
	all := s.said.Bytes()
	for _, name := range []string{"mailaudit.db", "mailaudit.db-wal"} {
		if b, err := os.ReadFile(s.path(name)); err == nil {
			all = append(all, b...)
		}
	}
	for _, m := range s.relay.Messages() {
		all = append(all, m.Data...)
	}
	for _, p := range s.slack.Posts() {
		all = append(all, p.Payload...)
	}
	for _, secret := range append(tokens, oauthSecret, "ya29.") {
		if bytes.Contains(all, []byte(secret)) {
			s.t.Errorf("%.12s... is found where it must not be", secret)
		}
	}
}

func TestNightWithGrants(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	google, microsoft, yahoo := sim.Google(), sim.Microsoft365(), sim.Yahoo()
	s.play(google, sim.Mood{})
	s.play(microsoft, sim.Mood{})
	s.play(yahoo, sim.Mood{})
	s.play(sim.AOL(), sim.Mood{})
	googleTokens := s.playTokens("oauth2.googleapis.com", sim.RotateNever)
	microsoftTokens := s.playTokens("login.microsoftonline.com", sim.RotateKeeps)
	yahooTokens := s.playTokens("api.login.yahoo.com", sim.RotateEnds)
	s.settings["providers"] = inYAML(oauthClients("google", "microsoft", "yahoo"))

	var rows []row
	for i := range 40 {
		rows = append(rows, s.grantRow(fmt.Sprintf("g-%02d", i), fmt.Sprintf("g%02d@gmail.com", i)))
	}
	for i := range 5 {
		rows = append(rows, s.grantRow(fmt.Sprintf("m-%02d", i), fmt.Sprintf("m%02d@clinic.onmicrosoft.com", i)))
		rows = append(rows, s.grantRow(fmt.Sprintf("y-%02d", i), fmt.Sprintf("y%02d@yahoo.com", i)))
	}
	rows = append(rows, s.grantRow("a-00", "a00@aol.com"))
	s.world.Set("pw@gmail.com", sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	rows = append(rows, row{"account_id": "p-00", "tenant_id": "t-p", "address": "pw@gmail.com", "auth": "password", "secret": "abcdefghijklmnop", "contact_email": "owner-p@clinic.example"})
	secrets := []string{}
	for _, r := range rows {
		secrets = append(secrets, r["secret"])
	}
	s.install(rows...)

	// All that can be verified is; AOL has no client of its own here, which is told to operations alone.
	s.done("run")
	r := s.report("")
	if r.Verdicts["compliant"] != 51 || r.Verdicts["unverified"] != 1 || len(s.recipients()) != 0 {
		t.Fatalf("first night: %v, mails to %v, findings %+v", r.Verdicts, s.recipients(), r.Findings)
	}
	if text := s.done("report"); !strings.Contains(text, "no OAuth client for AOL Mail is configured") {
		t.Errorf("the missing client is not told:\n%s", text)
	}
	if n := len(googleTokens.Requests()); n != 40 {
		t.Errorf("%d refreshes for 40 grants", n)
	}
	if req := microsoftTokens.Requests(); len(req) != 5 || req[0].Scope != "https://outlook.office.com/SMTP.Send offline_access" {
		t.Errorf("Microsoft was asked %+v", req)
	}

	checked := s.done("check", "g-01")
	for _, line := range []string{"POST https://oauth2.googleapis.com/token", "200 access token issued", "AUTH XOAUTH2", "235 2.7.0 Accepted", "looks like grant"} {
		if !strings.Contains(checked, line) {
			t.Errorf("check does not show %q:\n%s", line, checked)
		}
	}

	// Our client is refused at Google: one alarm, no finding, no mail, and no storm; everybody else is asked.
	s.atNight(1)
	googleTokens.SetMood(sim.TokenMood{Answer: "401\n{\"error\":\"invalid_client\",\"error_description\":\"Unauthorized\"}"})
	asked := len(googleTokens.Requests())
	s.done("run")
	r = s.report("")
	if r.Verdicts["compliant"] != 11 || r.Verdicts["unverified"] != 41 || len(s.recipients()) != 0 {
		t.Errorf("refused client: %v, mails to %v", r.Verdicts, s.recipients())
	}
	if n := len(googleTokens.Requests()) - asked; n < 1 || n > 16 {
		t.Errorf("the token endpoint was asked %d times after its first invalid_client", n)
	}
	if text := s.done("report"); strings.Count(text, "Google refuses our OAuth client\n") != 1 {
		t.Errorf("the refused client is not one alarm:\n%s", text)
	}
	if text := s.lastSummary(); !strings.Contains(text, "Google refuses our OAuth client") || strings.Contains(text, "Unauthorized") {
		t.Errorf("Slack has no alarm, or the provider's words:\n%s", text)
	}

	// A customer withdraws the grant: told the same night, as Google names the cause.
	s.atNight(2)
	googleTokens.SetMood(sim.TokenMood{})
	s.world.Revoke("g07@gmail.com")
	s.done("run")
	r = s.report("")
	if got := r.verdictsOf()["revoked"]; len(got) != 1 || got[0] != "g-07" {
		t.Errorf("revoked: %v; %v", got, r.Verdicts)
	}
	if got := s.recipients(); len(got) != 1 || got[0] != "owner-g-07@clinic.example" {
		t.Errorf("mails to %v", got)
	}
	// Connected again: all is well.
	s.atNight(3)
	again := s.grantRow("g-07", "g07@gmail.com")
	s.imported(again)
	s.done("run")
	if r = s.report(""); r.Changes.Recovered != 1 || r.Verdicts["compliant"] != 51 {
		t.Errorf("connected again: %+v %v", r.Changes, r.Verdicts)
	}
	if n := len(yahooTokens.Requests()); n != 4*5 {
		t.Errorf("%d refreshes of 5 rotating grants in 4 nights", n)
	}
	s.leftClean()
	s.nothingLeaks(append(secrets, again["secret"])...)
}

func TestExpiringClientSecretIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("pw@gmail.com", sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	providers := generous()
	providers["google"].(map[string]any)["oauth"] = map[string]any{
		"client_id": "client", "client_secret": oauthSecret, "secret_expires": sceneStart().AddDate(0, 0, 8).Format("2006-01-02")}
	s.settings["providers"] = inYAML(providers)
	s.install(row{"account_id": "p-00", "tenant_id": "t-p", "address": "pw@gmail.com", "secret": "abcdefghijklmnop"})
	for _, tt := range []struct {
		night int
		told  string
	}{{0, "in 8 days"}, {1, "in 7 days"}, {2, ""}, {7, "in 1 day"}, {9, "expired on"}} {
		s.atNight(tt.night)
		s.done("run")
		text := s.done("report")
		if told := strings.Contains(text, "OAuth client secret of Google"); told != (tt.told != "") || !strings.Contains(text, tt.told) {
			t.Errorf("night %d: want %q told:\n%s", tt.night, tt.told, text)
		}
	}
}
