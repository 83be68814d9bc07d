package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// december sets the clock to a night of December 2026, and onwards: the 32nd is 1 January.
func (s *scene) december(day int) {
	s.clock.Set(time.Date(2026, time.December, day, 2, 15, 0, 0, time.UTC))
}

// exchangeBox is a mailbox at Microsoft 365 that signs in with an app password, of a clinic with its contact.
func (s *scene) exchangeBox(id, clinic, contact string) row {
	address := fmt.Sprintf("%s@%s.onmicrosoft.com", id, clinic)
	s.world.Set(address, sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	return row{"account_id": id, "tenant_id": clinic, "address": address, "auth": "password", "secret": "abcdefghijklmnop", "contact_email": contact}
}

func mailsEach(recipients []string) map[string]int {
	mails := map[string]int{}
	for _, whom := range recipients {
		mails[whom]++
	}
	return mails
}

// Warnings of an announced change leave under a cap of their own, administrators' first, and keep no finding waiting;
// operations hear how many customers will not be warned before the day.
func TestWarningsHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Microsoft365(), sim.Mood{})
	s.play(sim.Google(), sim.Mood{})
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 1, max_ahead_per_night: 2, settings_url: "https://app.product.example/mail"}`
	var rows []row
	for i := range 6 { // clinics whose desk is mailbox and contact
		desk := fmt.Sprintf("desk%d", i)
		rows = append(rows, s.exchangeBox(desk, fmt.Sprintf("solo%d", i), desk+"@owner.example"))
	}
	for i := range 4 { // clinics of one administrator, two mailboxes each
		clinic := fmt.Sprintf("group%d", i)
		rows = append(rows, s.exchangeBox("front-"+clinic, clinic, "it@msp.example"), s.exchangeBox("billing-"+clinic, clinic, "it@msp.example"))
	}
	s.world.Set("lost@gmail.com", sim.Account{Password: "another", TwoFactor: true})
	rows = append(rows, row{"account_id": "lost", "tenant_id": "lost", "address": "lost@gmail.com", "secret": "qponmlkjihgfedcb", "contact_email": "lost@owner.example"})
	s.install(rows...)

	sent := func(day int) []string {
		t.Helper()
		before := mailsEach(s.recipients())
		s.december(day)
		s.done("run")
		var now []string
		for whom, n := range mailsEach(s.recipients()) {
			now = append(now, slices.Repeat([]string{whom}, n-before[whom])...)
		}
		return slices.Sorted(slices.Values(now))
	}
	late := func(want string) {
		t.Helper()
		if got := s.lastSummary(); !strings.Contains(got, want) {
			t.Errorf("Slack does not say %q:\n%s", want, got)
		}
	}
	same := func(when string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: mails to %v, want %v", when, got, want)
		}
	}
	same("three days are left", sent(28), "it@msp.example", "it@msp.example", "lost@owner.example")
	late("4 customers will not be warned before 31 Dec 2026")
	late("set notices\u2024max_ahead_per_night to 4; mailaudit rehearse --change microsoft-basic-auth shows the days")
	same("two days are left", sent(29), "it@msp.example", "it@msp.example")
	same("the last day before", sent(30), "desk0@owner.example", "desk1@owner.example")
	late("4 customers will not be warned")

	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 1, max_ahead_per_night: 9, settings_url: "https://app.product.example/mail"}`
	same("with more room", sent(31), "desk2@owner.example", "desk3@owner.example", "desk4@owner.example", "desk5@owner.example")
}
