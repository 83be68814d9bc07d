package scenario

import (
	"slices"
	"testing"
	"time"
)

func TestIncidentLiveTrafficContradictsARefusal(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	r := s.clinic(0, "gmail.com")
	s.revoke(0, 1)
	s.atNight(1)
	r["last_sent_ok_at"] = s.clock.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	s.imported(r)
	s.revoke(0, 1)
	s.done("run")
	if got := s.report("").verdictsOf(); !slices.Equal(got["unverified"], []string{"a-00"}) || len(got["revoked"]) != 0 {
		t.Errorf("findings %v", got)
	}
	s.nothingMailed()
}

// A secret that is left alone is asked again once the product's mail goes through with it.
func TestIncidentLeftAloneButSendingIsAsked(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 1)
	for night := 1; night <= 2; night++ {
		s.atNight(night)
		s.done("run")
	}
	s.atNight(3)
	s.done("run")
	if got := s.report("").verdictsOf(); len(got["revoked"]) != 1 || s.world.Attempts()["front00@gmail.com"] != 3 {
		t.Fatalf("left alone: %v, asked %d times", got, s.world.Attempts()["front00@gmail.com"])
	}
	r := s.clinic(0, "gmail.com")
	s.atNight(4)
	r["last_sent_ok_at"] = s.clock.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	s.imported(r)
	s.done("run")
	if got := s.report("").verdictsOf(); len(got["revoked"]) != 0 {
		t.Errorf("findings %v", got)
	}
}
