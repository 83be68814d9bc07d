package scenario

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// TestDecember: Microsoft switches passwords off at the end of December 2026. Those who use one are warned 30 and 7
// days ahead, once each; on the day the guard holds; once a person releases the hold, each is told once what to do.
// MAILAUDIT_TEST_MAILBOXES sets how many there are.
func TestDecember(t *testing.T) {
	t.Parallel()
	mailboxes := 120
	if n, err := strconv.Atoi(os.Getenv("MAILAUDIT_TEST_MAILBOXES")); err == nil {
		mailboxes = n
	}
	s := newScene(t)
	exchange := s.play(sim.Microsoft365(), sim.Mood{})
	tokens := s.playTokens("login.microsoftonline.com", sim.RotateKeeps)
	s.settings["providers"] = inYAML(oauthClients("microsoft"))
	s.settings["deliver_within"] = "1h"
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 100000, max_ahead_per_night: 100000, settings_url: "https://app.product.example/mail", oauth_offered: [microsoft]}`
	var rows []row
	for i := range mailboxes {
		address := fmt.Sprintf("desk%04d@clinic%04d.onmicrosoft.com", i, i)
		s.world.Set(address, sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
		rows = append(rows, row{
			"account_id": fmt.Sprintf("m-%04d", i), "tenant_id": fmt.Sprintf("t-%04d", i), "address": address, "auth": "password",
			"secret": "abcdefghijklmnop", "contact_email": fmt.Sprintf("owner%04d@owner.example", i)})
	}
	for i := range 10 {
		r := s.grantRow(fmt.Sprintf("o-%02d", i), fmt.Sprintf("oauth%02d@connected.onmicrosoft.com", i))
		rows = append(rows, r)
	}
	s.install(rows...)

	mails := func() map[string]int {
		t.Helper()
		got := map[string]int{}
		for _, r := range s.recipients() {
			got[r]++
		}
		return got
	}
	everybody := func(want int, when string) {
		t.Helper()
		got := mails()
		for i := range mailboxes {
			if n := got[fmt.Sprintf("owner%04d@owner.example", i)]; n != want {
				t.Fatalf("%s: owner %d has %d mails, want %d", when, i, n, want)
			}
		}
		if extra := len(s.recipients()) - want*mailboxes; extra != 0 {
			t.Errorf("%s: %d mails to others", when, extra)
		}
	}
	night := func(month time.Month, day int) {
		t.Helper()
		year := 2026
		if month == time.January {
			year++
		}
		s.clock.Set(time.Date(year, month, day, 2, 15, 0, 0, time.UTC))
		s.done("run")
	}

	night(time.November, 28)
	everybody(0, "33 days ahead")
	night(time.December, 1)
	everybody(1, "30 days ahead")
	if first := string(s.relay.Messages()[0].Data); !strings.Contains(first, "December") {
		t.Errorf("the warning does not name the day:\n%s", first)
	}
	left := fmt.Sprintf("%d mailboxes left", mailboxes)
	if posts := s.summaries(); !strings.Contains(string(posts[len(posts)-1].Payload), left) {
		t.Errorf("Slack does not show how many are left: want %q in\n%v", left, posts[len(posts)-1].Payload)
	}
	for _, day := range []int{2, 4, 7, 10, 13, 16, 19, 22} {
		night(time.December, day)
	}
	everybody(1, "between the warnings")
	night(time.December, 24)
	everybody(2, "7 days ahead")
	night(time.December, 26)
	night(time.December, 29)
	night(time.December, 31)
	everybody(2, "on the last day")

	// The switch. What Microsoft will say is not published; this is what it says to passwords that are switched off.
	exchange.SetMood(sim.Mood{})
	for i := range mailboxes {
		s.world.Change(fmt.Sprintf("desk%04d@clinic%04d.onmicrosoft.com", i, i), func(a *sim.Account) { a.State = sim.SMTPAuthDisabled })
	}
	night(time.January, 1)
	everybody(2, "the guard holds")
	r := s.report("")
	if r.Verdicts["auth_disabled"] != mailboxes || r.Verdicts["compliant"] != 10 || r.Notices["held"] != mailboxes {
		t.Fatalf("the switch: %v, notices %v", r.Verdicts, r.Notices)
	}
	night(time.January, 2)
	everybody(2, "the guard still holds")

	before := len(s.relay.Messages())
	s.done("notices", "release", "--run", r.Run.Key, "--provider", "microsoft", "--by", "ops")
	s.done("deliver")
	everybody(3, "released")
	for _, m := range s.relay.Messages()[before:] {
		if text := string(m.Data); strings.Contains(text, "works again") {
			t.Fatalf("the wrong guide:\n%s", text)
		}
	}
	night(time.January, 3)
	everybody(3, "the night after")
	if n := len(tokens.Requests()); n == 0 {
		t.Error("the connected mailboxes were not asked")
	}
}
