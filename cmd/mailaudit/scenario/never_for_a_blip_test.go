package scenario

import (
	"strings"
	"testing"
)

// Two refusals with an acceptance between them are no finding.
func TestIncidentTwoBlipsAreNoFinding(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = strings.Replace(s.settings["notices"], "confirm_nights: 1", "confirm_nights: 2", 1)
	for night := 1; night <= 5; night++ {
		if s.restore(0, 1); night%2 == 1 {
			s.revoke(0, 1)
		}
		s.atNight(night)
		s.done("run")
	}
	s.nothingMailed()
	s.atNight(6) // and two in a row are one, told once
	s.done("run")
	if got := s.recipients(); len(got) != 1 {
		t.Errorf("mails to %v", got)
	}
}
