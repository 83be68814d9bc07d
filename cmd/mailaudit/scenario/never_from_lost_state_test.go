package scenario

import (
	"strings"
	"testing"
)

func TestIncidentLostStateIsNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.inDatabase(`DELETE FROM account_states`)
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if text := s.lastSummary(); !strings.Contains(text, "aseline only") {
		t.Error("operations are not told that the state was lost")
	}
}

func TestIncidentLongPauseIsNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 3)
	s.atNight(9)
	s.done("run")
	s.nothingMailed()
	// The night after is a night like others: what still fails is told.
	s.atNight(10)
	s.done("run")
	if got := s.recipients(); len(got) != 3 {
		t.Errorf("mails to %v", got)
	}
}

// Older states in the place of the last run's would have customers told again what they know.
func TestIncidentRestoredStatesAreNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.inDatabase(`CREATE TABLE kept AS SELECT * FROM account_states`)
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	if n := len(s.recipients()); n != 3 {
		t.Fatalf("%d mails", n)
	}
	s.inDatabase(`DELETE FROM account_states`)
	s.inDatabase(`INSERT INTO account_states SELECT * FROM kept`)
	s.inDatabase(`DROP TABLE kept`)
	s.atNight(2)
	s.done("run")
	if got := s.recipients(); len(got) != 3 {
		t.Errorf("mails to %v: the same is told twice", got)
	}
	if text := s.lastSummary(); !strings.Contains(text, "aseline only") {
		t.Error("operations are not told that the state is old")
	}
}

// A few states that are missing are as bad for those whose they were.
func TestIncidentPartlyLostStateIsNoNews(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	s.inDatabase(`DELETE FROM account_states WHERE account_id IN ('a-00', 'a-01')`)
	s.atNight(2)
	s.done("run")
	if got := s.recipients(); len(got) != 3 {
		t.Errorf("mails to %v: the same is told twice", got)
	}
}
