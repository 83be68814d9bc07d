package scenario

import (
	"testing"

	"mailaudit/providers/sim"
)

func TestIncidentDarkNightsAccuseNobody(t *testing.T) {
	t.Parallel()
	s, _, yahoo := clinicBase(t)
	yahoo.SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtConnect: sim.Drop()}})
	for night := 1; night <= 9; night++ {
		s.atNight(night)
		s.done("run")
		if r := s.report(""); r.Verdicts["unverified"] != 4 || r.Verdicts["compliant"] != 20 {
			t.Fatalf("night %d: %v", night, r.Verdicts)
		}
	}
	s.nothingMailed()
	s.leftClean()
}
