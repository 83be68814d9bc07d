package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

func TestIncidentOutageOpensAndClosesNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	told := s.recipients()
	if len(told) != 2 {
		t.Fatalf("mails to %v", told)
	}
	s.restore(0, 2)
	s.revoke(18, 20)
	for i := 4; i < 18; i++ { // the others are answered all the same
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.State = sim.BackendDown })
	}
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Changes.NewlyFailing != 0 || r.Changes.Recovered != 0 || r.Verdicts["unverified"] != 18 {
		t.Errorf("changes %+v, verdicts %v", r.Changes, r.Verdicts)
	}
	if got := s.recipients(); !slices.Equal(got, told) {
		t.Errorf("mails to %v, had been %v", got, told)
	}
}

// An outage's refusals confirm nothing: the second night of a finding is not one of an outage.
func TestIncidentOutageConfirmsNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 2", 1)
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	for i := 5; i < 20; i++ {
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.State = sim.BackendDown })
	}
	s.atNight(2)
	s.done("run")
	s.nothingMailed()
	if r := s.report(""); r.Verdicts["revoked"] != 0 {
		t.Errorf("verdicts %v", r.Verdicts)
	}
}

// One dead host of "other" takes nothing away from the others, and its partial answers are inconclusive.
func TestIncidentDeadHostSpeaksForItselfAlone(t *testing.T) {
	t.Parallel()
	s, dead, alive := hostsOfOther(t)
	for i := range 12 {
		s.world.Change(fmt.Sprintf("user%02d@%s", i, dead), func(a *sim.Account) { a.State = sim.BackendDown })
	}
	s.world.Change("user12@"+dead, func(a *sim.Account) { a.Password = "Changed!1" })
	s.world.Change("user00@"+alive, func(a *sim.Account) { a.Password = "Changed!1" })
	s.atNight(1)
	s.done("run")
	if got := s.report("").verdictsOf(); len(got["revoked"]) != 1 || got["revoked"][0] != "b-00" || len(got["unverified"]) != 13 {
		t.Errorf("findings %v", got)
	}
}

// hostsOfOther has 13 accounts at one host and 7 at another, all of different tenants.
func hostsOfOther(t *testing.T) (s *scene, dead, alive string) {
	t.Helper()
	s = newScene(t)
	one, two := sim.CPanel(), sim.CPanel()
	two.Hosts = []string{"mail.second.example"}
	s.play(one, sim.Mood{})
	s.play(two, sim.Mood{})
	var rows []row
	for i := range 20 {
		id, n, host := "a", i, one.Hosts[0]
		if i >= 13 {
			id, n, host = "b", i-13, two.Hosts[0]
		}
		login := fmt.Sprintf("user%02d@%s", n, host)
		s.world.Set(login, sim.Account{Password: "Good!pass1"})
		rows = append(rows, row{"account_id": fmt.Sprintf("%s-%02d", id, n), "tenant_id": fmt.Sprintf("T-%d", i), "address": login,
			"secret": "Good!pass1", "host": host, "port": "465", "contact_email": fmt.Sprintf("contact%02d@customers.example", i)})
	}
	s.install(rows...)
	s.done("run")
	if r := s.report(""); r.Verdicts["unproven"] != 20 {
		t.Fatalf("first night: %v", r.Verdicts)
	}
	return s, one.Hosts[0], two.Hosts[0]
}

// Twenty of twenty-four mailboxes gave no answer: whatever else the run found, the summary is red and says so first.
func TestARunThatCheckedLittleIsRed(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	for i := range 20 {
		s.world.Change(fmt.Sprintf("front%02d@gmail.com", i), func(a *sim.Account) { a.State = sim.BackendDown })
	}
	s.atNight(1)
	s.done("run")
	text := s.lastSummary()
	if !strings.Contains(text, "🔴 *Only 16.66 % verified*") || !strings.Contains(text, "Restore coverage: 4 of 24 accounts verified; 20 at Google") || strings.Contains(text, "Nothing to do") {
		t.Error(text)
	}
	s.nothingMailed()
	s.settings["guard"] = `{min_coverage: 10%, max_unreachable: 100%}`
	s.writeConfig()
	s.atNight(2)
	s.done("run")
	if text := s.lastSummary(); strings.Contains(text, "Only 16.66 % verified") {
		t.Errorf("with guard.min_coverage at 10 %%: %s", text)
	}
}
