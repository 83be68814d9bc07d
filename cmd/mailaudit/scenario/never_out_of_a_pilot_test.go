package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
	"mailaudit/report"
)

// A contact has two mailboxes, and the pilot tells of one verdict: the mail names the mailbox that has it alone.
func TestIncidentPilotOfOneVerdictTellsNothingElseInTheSameMail(t *testing.T) {
	t.Parallel()
	s := families(t, inSQLite)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, only: {verdicts: [revoked]}}`
	s.done("run", "--key", "night-0")
	s.atNight(1)
	s.gmailTakes("a1", "another")
	s.world.Change("a2.desk@gmail.com", func(a *sim.Account) { a.State = sim.BrowserSignIn })
	s.done("run", "--key", "night-1")
	if r := s.report("night-1").verdictsOf(); !slices.Equal(r["revoked"], []string{"a1"}) || !slices.Equal(r["sign_in_blocked"], []string{"a2"}) {
		t.Fatalf("verdicts %v", r)
	}
	mails := s.relay.Messages()
	if len(mails) != 1 {
		t.Fatalf("mails to %v", s.recipients())
	}
	text := readLetter(t, mails[0].Data).text
	if !strings.Contains(text, report.Mask("a1.desk@gmail.com")) || strings.Contains(text, report.Mask("a2.desk@gmail.com")) {
		t.Errorf("the mail does not tell of a1 alone:\n%s", text)
	}
}

// Deliver runs once a day, in the hours of some tenants and out of those of others: that some mails leave hides nothing.
func TestIncidentMailsThatMissTheirHoursEveryDayFailTheRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for n, zone := range []string{"UTC", "America/Los_Angeles", "UTC", "UTC", "UTC", "UTC"} {
		login := fmt.Sprintf("desk%d@gmail.com", n)
		s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{clinicSecret}, TwoFactor: true})
		rows = append(rows, row{"account_id": fmt.Sprint(n), "tenant_id": fmt.Sprintf("T-%d", n), "address": login, "secret": clinicSecret,
			"contact_email": fmt.Sprintf("owner%d@customers.example", n), "time_zone": zone})
	}
	s.settings["notices"] = `{mode: live, send_between: "Mon-Sun 09:00-16:00", confirm_nights: 1, max_per_recipient: 1}`
	s.install(rows...)
	refuses := func(ns ...int) {
		for _, n := range ns {
			s.world.Change(fmt.Sprintf("desk%d@gmail.com", n), func(a *sim.Account) { a.AppPasswords = nil })
		}
	}
	day := func(n, code int) {
		t.Helper()
		s.atNight(n)
		if o := s.do("run"); o.code != code {
			t.Errorf("night %d: exit %d: %s", n, o.code, lastLine(o.stderr))
		}
		s.clock.Set(sceneStart().AddDate(0, 0, n).Add(10 * time.Hour))
		s.done("deliver")
	}
	day(0, exit.Done)
	refuses(0, 1)
	day(1, exit.Done)
	refuses(2)
	day(2, exit.Done)
	refuses(3)
	day(3, exit.Failed)
	if got := s.recipients(); len(got) != 3 || slices.Contains(got, "owner1@customers.example") {
		t.Errorf("mails to %v", got)
	}
}
