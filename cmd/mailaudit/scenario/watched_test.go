package scenario

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// credentials is how many passwords the server was handed.
func credentials(s *sim.Server) int { return s.Counters().Credentials }

// A clinic whose two mailboxes have one contact: one is repaired, and works within moments, by day and with its mail; the other
// has a wrong password typed in, which is asked once and not again; whose row is stored anew with the same secret is not asked.
// What the settings page has just asked is not asked by the watch.
func TestAChangedSecretIsAskedAtOnce(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	both := func(i int, secret string) row {
		return row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": "T-00", "address": fmt.Sprintf("front%02d@gmail.com", i), "secret": secret,
			"contact_email": "both@customers.example"}
	}
	s.imported(both(0, clinicSecret), both(1, clinicSecret))
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	s.settings["watch"] = "200ms"
	p := s.withScreens(1, 9*time.Hour)
	time.Sleep(500 * time.Millisecond)
	before := credentials(google)

	s.world.Set("front00@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"nextnextnextnext"}, TwoFactor: true})
	s.imported(both(0, "nextnextnextnext"), both(1, "typotypotypotypo"), s.sameRow(2))
	within(t, "the contact of the repaired mailbox has the mail", func() bool { return strings.Count(strings.Join(s.recipients(), " "), "both@") == 2 })
	within(t, "both were asked", func() bool { return credentials(google) == before+2 })
	if _, _, known := p.asks("GET", "/v1/accounts/a-00"); known["verdict"] != "compliant" {
		t.Errorf("the repaired one: %v", known)
	}
	if _, _, known := p.asks("GET", "/v1/accounts/a-01"); known["verdict"] != "revoked" {
		t.Errorf("the one with a wrong password: %v", known)
	}

	s.imported(both(1, "otherotherotherx"))
	if status, _, got := p.asks("POST", "/v1/accounts/a-01/check"); status == http.StatusOK && got["verdict"] == "compliant" {
		t.Errorf("a wrong password: %d %v", status, got)
	}
	asked := credentials(google)
	time.Sleep(time.Second)
	s.imported(both(1, "otherotherotherx"))
	time.Sleep(time.Second)
	if n := credentials(google); n > asked+1 || n > before+4 {
		t.Errorf("%d conversations after the page's own, %d in all", n-asked, n-before)
	}
}

// sameRow is a clinic's row as it was stored first.
func (s *scene) sameRow(i int) row {
	return row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": fmt.Sprintf("front%02d@gmail.com", i),
		"secret": clinicSecret, "contact_email": fmt.Sprintf("contact%02d@customers.example", i)}
}

// A changed secret is asked beside a night that is under way, before the night's own accounts are done.
func TestTheWatchGoesOnBesideANight(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	s.revoke(3, 4)
	s.atNight(1)
	s.done("run")
	google.SetMood(sim.Mood{AuthLatency: 700 * time.Millisecond})
	s.settings["watch"] = "200ms"
	s.settings["providers"] = `{google: {max_concurrency: 2, max_rate: 1000/s}}`
	p := s.withScreens(2, quarterPastTwo)
	within(t, "the night is under way", func() bool { return credentials(google) >= 24 })
	s.world.Set("front03@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"nextnextnextnext"}, TwoFactor: true})
	r := s.sameRow(3)
	r["secret"] = "nextnextnextnext"
	s.imported(r)
	within(t, "the repaired mailbox works", func() bool { return strings.Contains(p.said.String(), "changed secrets were asked") })
	if _, _, known := p.asks("GET", "/v1/accounts/a-03"); known["verdict"] != "compliant" {
		t.Errorf("the repaired one: %v", known)
	}
	if n := len(s.summaries()); n != 2 {
		t.Errorf("%d summaries: the night was over before", n)
	}
	within(t, "the night is told", func() bool { return len(s.summaries()) == 3 })
	if r := s.report(nightOf(2)); r.Run.Verified < 23 {
		t.Errorf("the night: %+v", r.Run)
	}
}
