package scenario

import (
	"slices"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// A customer was told, and notices.mode goes to shadow for a week and back to live: he is told nothing from the beginning.
func TestIncidentSpellInShadowModeTellsNobodyAnew(t *testing.T) {
	t.Parallel()
	s := families(t, inSQLite)
	s.settings["recheck_refused"] = "0s"
	live := s.settings["notices"]
	s.done("run")
	s.gmailTakes("a1", "another")
	s.atNight(1)
	s.done("run")
	if got := s.recipients(); !slices.Equal(got, []string{familyContact('a')}) {
		t.Fatalf("mails to %v", got)
	}
	s.settings["notices"] = `{mode: shadow, confirm_nights: 1}`
	for n := 2; n <= 5; n++ { // a reminder is due meanwhile
		s.atNight(n)
		s.done("run")
	}
	s.settings["notices"] = live
	s.atNight(6)
	s.done("run")
	if got := s.recipients(); len(got) != 1 {
		t.Errorf("mails to %v", got)
	}
}

// The notice of a failure never arrived, and the clinic names another contact: that one is not told that all is well again.
func TestIncidentWhoWasNotNotifiedOfTheFailureHearsOfNoFix(t *testing.T) {
	t.Parallel()
	s := families(t, inSQLite)
	s.done("run")
	s.gmailTakes("a1 b1", "another")
	s.relay.SetMood(sim.RelayMood{Recipients: map[string]string{familyContact('a'): "550 5.1.1 no such user"}})
	s.atNight(1)
	if o := s.do("run"); o.code != exit.Done && o.code != exit.Failed {
		t.Fatal(o.stderr)
	}
	s.relay.SetMood(sim.RelayMood{})
	var rows []row
	for _, box := range []string{"a1", "a2", "a3"} {
		rows = append(rows, row{"account_id": box, "tenant_id": "T-a", "address": box + ".desk@gmail.com", "secret": clinicSecret, "contact_email": "new@customers.example"})
	}
	s.imported(rows...)
	s.gmailTakes("a1 b1", clinicSecret)
	s.atNight(2)
	s.done("run")
	if got := s.recipients(); !slices.Equal(got, []string{familyContact('b'), familyContact('b')}) {
		t.Errorf("mails to %v", got)
	}
}
