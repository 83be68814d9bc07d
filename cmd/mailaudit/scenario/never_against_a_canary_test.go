package scenario

import (
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

func TestIncidentRefusedCanaryVoidsRefusals(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.imported(s.clinic(90, "gmail.com"))
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {good: [a-90]}}}`
	s.atNight(1)
	s.done("run")
	if r := s.report(""); r.Run.Accounts != 24 || r.Verdicts["compliant"] != 24 {
		t.Fatalf("with a canary: %+v %v", r.Run, r.Verdicts)
	}
	s.revoke(0, 3)
	s.world.Change("front90@gmail.com", func(a *sim.Account) { a.AppPasswords = nil })
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Verdicts["unverified"] != 3 || r.Verdicts["revoked"] != 0 || r.Verdicts["compliant"] != 21 {
		t.Errorf("a canary was refused: %v", r.Verdicts)
	}
	s.nothingMailed()
}

func TestIncidentProviderThatAcceptsEverythingProvesNothing(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	bad := s.clinic(91, "gmail.com")
	bad["secret"] = "qqqqqqqqqqqqqqqq"
	s.imported(bad)
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {bad: [a-91]}}}`
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	if got := s.recipients(); len(got) != 2 {
		t.Fatalf("mails to %v", got)
	}
	google.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtSecret: sim.Say("235 2.7.0 Accepted")}})
	s.atNight(2)
	s.done("run")
	r := s.report("")
	if r.Verdicts["unverified"] != 20 || r.Changes.Recovered != 0 {
		t.Errorf("a bad canary was accepted: %v, %+v", r.Verdicts, r.Changes)
	}
	if got := s.recipients(); len(got) != 2 {
		t.Errorf("mails to %v: somebody was told that all is well", got)
	}
}

// A bad canary that is accepted voids acceptances, and does not lift the hold on a mass of refusals.
func TestIncidentAcceptedCanaryLiftsNoHold(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	bad := s.clinic(91, "gmail.com")
	s.imported(bad) // and its password is accepted
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {bad: [a-91]}}}`
	s.settings["guard"] = `{min_new_failures: 100}`
	s.revoke(0, 11) // more than half of twenty
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
}

// Canaries are asked four times a day. A run that comes later has none, and says so.
func TestIncidentCanariesUsedUpAreTold(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.imported(s.clinic(90, "gmail.com"))
	s.settings["providers"] = `{google: {max_concurrency: 8, max_rate: 1000/s, canaries: {good: [a-90]}}}`
	s.atNight(1)
	for i, key := range []string{"first", "second", "third"} {
		s.done("run", "--key", key, "--limit", "5")
		told := strings.Contains(s.done("report", key), "anaries of Google were not all asked")
		if told != (i == 2) {
			t.Errorf("run %s: told that there are no canaries: %v\n%s", key, told, s.done("report", key))
		}
	}
}

// A canary that cannot be asked guards nothing, and that is told.
func TestIncidentCanaryThatGuardsNothingIsTold(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["providers"] = `{google: {canaries: {good: [a-99]}}}`
	s.atNight(1)
	s.done("run")
	if text := s.lastSummary(); !strings.Contains(text, "anary a-99 of Google guards nothing") {
		t.Errorf("operations are not told: %s", text)
	}
}
