package scenario

import (
	"slices"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// Between the night and the morning the customer has fixed it: nothing leaves.
func TestIncidentMendedBeforeTheMorningIsNotMailed(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1}`
	s.revoke(0, 5)
	s.atNight(1)
	s.done("run")
	changed := s.clinic(0, "gmail.com")
	changed["secret"] = "zyxwvutsrqponmlk"
	sent := s.clinic(1, "gmail.com")
	sent["last_sent_ok_at"] = s.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	accepted := s.clinic(4, "gmail.com")
	accepted["secret"] = "newnewnewnewneww"
	s.imported(changed, sent, accepted)
	s.revoke(0, 4)
	s.world.Change("front04@gmail.com", func(a *sim.Account) { a.AppPasswords = []string{"newnewnewnewneww"} })
	s.done("run", "--changed")
	s.done("accounts", "remove", "a-02")
	s.clock.Set(s.clock.Now().Add(8 * time.Hour))
	s.done("deliver")
	if got := s.recipients(); !slices.Equal(got, []string{"contact03@customers.example"}) {
		t.Errorf("mails to %v", got)
	}
	var why []string
	for _, n := range s.notices("--state", "suppressed") {
		why = append(why, n.Detail)
	}
	slices.Sort(why)
	want := []string{"the account is gone", "the account works again", "the password was changed since", "the product has sent mail through it since"}
	if !slices.Equal(why, want) {
		t.Errorf("kept back because %q", why)
	}
}
