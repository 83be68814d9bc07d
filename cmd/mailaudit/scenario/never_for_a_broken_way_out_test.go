package scenario

import (
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// Our network goes down in mid-run: what was asked stands, the rest is unverified, nothing opens or closes.
func TestIncidentWayOutCutInMidRunAccusesNobody(t *testing.T) {
	t.Parallel()
	s, google, yahoo := clinicBase(t)
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	told := s.recipients()
	s.restore(0, 2)
	for _, server := range []*sim.Server{google, yahoo} {
		server.SetMood(sim.Mood{ConnectionsUntil: server.Counters().Connections + 3, Over: sim.Reset()})
	}
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Changes.NewlyFailing != 0 || r.Changes.Recovered != 0 || r.Verdicts["unverified"] < 18 {
		t.Errorf("changes %+v, verdicts %v", r.Changes, r.Verdicts)
	}
	if got := s.recipients(); !slices.Equal(got, told) {
		t.Errorf("mails to %v, had been %v", got, told)
	}
	if text := s.lastSummary(); !strings.Contains(text, "gave no response") {
		t.Error("operations are not told")
	}
}

// No provider can be reached: the run stops before it asks anybody.
func TestIncidentNoWayOutStopsTheRun(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	asked := s.counters().Credentials
	for place := range s.places {
		s.places[place] = "127.0.0.1:1" // where nobody listens
	}
	s.atNight(1)
	if o := s.do("run"); o.code != exit.Failed || !strings.Contains(o.stderr, "outbound connectivity") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if r := s.report(""); r.Run.Status != "stopped" || s.counters().Credentials != asked {
		t.Errorf("run %+v, %d credentials were sent", r.Run, s.counters().Credentials-asked)
	}
	s.nothingMailed()
}
