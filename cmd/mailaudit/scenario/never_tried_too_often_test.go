package scenario

import (
	"fmt"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

func TestIncidentOneMailboxOfManyTenantsIsAskedOnce(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	var rows []row
	for i := 100; i < 110; i++ {
		r := s.clinic(i, "gmail.com")
		r["address"] = "front00@gmail.com"
		rows = append(rows, r)
	}
	s.imported(rows...)
	s.revoke(0, 1)
	s.atNight(1)
	before := google.Counters().Credentials
	s.done("run")
	if asked := google.Counters().Credentials - before; asked != 20 {
		t.Errorf("%d conversations for 20 mailboxes of 30 accounts", asked)
	}
	got := s.report("").verdictsOf()
	if len(got["revoked"]) != 1 || len(got["invalid"]) != 10 {
		t.Errorf("findings %v", got)
	}
	for _, m := range s.relay.Messages() {
		if strings.Count(string(m.Data), "customers.example") > 0 && strings.Contains(string(m.Data), "T-1") {
			t.Error("a mail names a tenant")
		}
	}
}

// However many runs a day has, an account is not tried more often than attempts_per_day.
func TestIncidentAttemptsOfADayAreBounded(t *testing.T) {
	t.Parallel()
	s, google, yahoo := clinicBase(t)
	s.atNight(1)
	before := google.Counters().Credentials + yahoo.Counters().Credentials
	for i := range 4 {
		s.done("run", "--key", fmt.Sprintf("again-%d", i))
	}
	s.done("check", "a-00")
	if n := google.Counters().Credentials + yahoo.Counters().Credentials - before; n != 2*24 {
		t.Errorf("%d conversations for 24 accounts", n)
	}
	s.nothingMailed()
}

func TestIncidentSharedHostIsLeftAloneAfterRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	shared := s.play(sim.CPanel(), sim.Mood{})
	s.settings["providers"] = `{other: {max_concurrency: 8, max_rate: 1000/s, max_refusals: 3}}`
	host := sim.CPanel().Hosts[0]
	var rows []row
	for i := range 30 {
		login := fmt.Sprintf("user%02d@clinic%02d.example", i, i)
		s.world.Set(login, sim.Account{Password: "Changed!1"})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": login,
			"secret": "Old!secret1", "host": host, "port": "465"})
	}
	s.install(rows...)
	s.done("run")
	if n := shared.Counters().Credentials; n != 3 {
		t.Errorf("the host was asked %d times", n)
	}
	if r := s.report(""); r.Verdicts["invalid"] != 3 || r.Verdicts["unverified"] != 27 {
		t.Errorf("verdicts %v", r.Verdicts)
	}
}

// "Account disabled" under a 4xx may pass and is tried once more in the run. Where the day has no attempt left, what was
// heard stands: the account is not taken for one of which nothing is known.
func TestIncidentARefusalStandsWhereItCannotBeTriedAgain(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	s.settings["attempts_per_day"], s.settings["retry_after"] = "1", "1s"
	yahoo.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("454 4.7.0 This account has been disabled")}})
	s.atNight(1)
	s.done("run")
	if r := s.report(""); len(r.verdictsOf()["account_blocked"]) != 4 {
		t.Errorf("%v, findings %+v", r.Verdicts, r.Findings)
	}
	s.nothingMailed()
}
