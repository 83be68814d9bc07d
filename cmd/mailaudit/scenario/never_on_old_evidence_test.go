package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// A mail that tells of a failure leaves on a refusal of the last 24 hours. Each night begins at 02:15, mails leave from
// 09:00 on: what the night refused is fresh then, and what it left alone is not.

// waiting is a scene of n Gmail accounts in which mails leave at 09:00 on the days, so many a night.
func waiting(t *testing.T, n int, days string, perNight int) (*scene, []row) {
	t.Helper()
	s, rows := gmailScene(t, n)
	s.settings["notices"] = fmt.Sprintf(`{mode: live, send_between: "%s 09:00-16:00", confirm_nights: 1, max_per_night: %d}`, days, perNight)
	s.done("run")
	return s, rows
}

// night runs the n-th night's audit.
func (s *scene) night(n int) {
	s.t.Helper()
	s.atNight(n)
	s.done("run")
}

// atHour sets the clock to an hour of the day that night n begins.
func (s *scene) atHour(n int, hours float64) {
	s.clock.Set(sceneStart().AddDate(0, 0, n).Add(time.Duration(hours * float64(time.Hour))))
}

// asked tells how often a Gmail account was signed in to so far.
func (s *scene) asked(i int) int { return s.world.Attempts()[fmt.Sprintf("front%d@gmail.com", i)] }

// signIns checks that do signs in to no mailbox more than so often, and returns how many sign-ins there were.
func (s *scene) signIns(most int, do func()) (all int) {
	s.t.Helper()
	before := s.world.Attempts()
	do()
	for login, n := range s.world.Attempts() {
		if n -= before[login]; n > most {
			s.t.Errorf("%s was signed in to %d times, at most %d are allowed", login, n, most)
		}
		all += n
	}
	return all
}

// waitsFor checks that one notice waits, for a reason that explain gives too.
func (s *scene) waitsFor(account, why string) {
	s.t.Helper()
	queued := s.notices("--state", "queued")
	if len(queued) != 1 || !strings.Contains(queued[0].Detail, why) || queued[0].Waits == "" {
		s.t.Errorf("queued %+v, want one that waits: %s", queued, why)
	}
	if text := s.done("explain", account); !strings.Contains(text, why) {
		s.t.Errorf("explain does not say %q:\n%s", why, text)
	}
}

func TestIncidentMailThatWaitedForTheCapsIsRecheckedFirst(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.refuse(0, 1, 2, 3)
	for n := 1; n <= 2; n++ { // both nights ask: what leaves in the morning is fresh
		s.signIns(1, func() {
			s.night(n)
			s.atHour(n, 9)
			s.done("deliver")
		})
	}
	s.mailedTo(gmailContact(0), gmailContact(1))

	s.accept(2) // fixed at Google; the stored password has not changed
	s.night(3)  // leaves refused passwords alone
	s.atHour(3, 9)
	first := s.asked(3)
	if text := s.done("explain", "a3"); !strings.Contains(text, "re-checked before it leaves") {
		t.Errorf("explain: %s", text)
	}
	if text := s.done("notices", "preview"); !strings.Contains(text, "is re-checked before it leaves: 1 mailbox was") {
		t.Errorf("preview: %s", text)
	}
	if n := s.signIns(1, func() { s.done("deliver") }); n != 3 {
		t.Errorf("%d sign-ins, want those of two mailboxes and one that works", n)
	}
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(3))
	if n := s.asked(3) - first; n != 1 {
		t.Errorf("asked %d times before its mail left", n)
	}
	if n := s.signIns(0, func() { s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins with nothing left to send", n)
	}
	if gone := s.notices("--state", "suppressed"); len(gone) != 1 || gone[0].Detail != "the account works again" {
		t.Errorf("suppressed: %+v", gone)
	}
	s.night(4)
	if r := s.report(""); r.Changes.Recovered != 1 || r.Changes.NewlyFailing != 0 {
		t.Errorf("the night after: %+v", r.Changes)
	}
	s.leftClean()
}

// saturday is a night before whose morning no mail may leave for two days.
func saturday() (n int) {
	for n = 1; sceneStart().AddDate(0, 0, n).Weekday() != time.Saturday; n++ {
	}
	return n
}

func TestIncidentMailThatWaitedForTheWeekendIsRecheckedFirst(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Fri", 50)
	sat := saturday()
	s.night(sat - 1)
	s.refuse(0, 1)
	s.world.Change("front2@gmail.com", func(a *sim.Account) { a.State = sim.BrowserSignIn }) // asked every night
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.mailedTo()
	s.accept(1)
	s.atHour(sat+2, 9)
	fresh := s.asked(2)
	if n := s.signIns(1, func() { s.done("deliver") }); n != 3 {
		t.Errorf("%d sign-ins, want those of two mailboxes and one that works", n)
	}
	s.mailedTo(gmailContact(0), gmailContact(2))
	if s.asked(2) != fresh {
		t.Error("who was refused this very night was asked again")
	}
	s.leftClean()
}

func TestIncidentReleasedOnFridayIsRecheckedOnMonday(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Fri", 50)
	s.settings["guard"] = `{min_new_failures: 1}`
	sat := saturday()
	s.night(sat - 2)
	s.refuse(0, 1)
	s.night(sat - 1)
	s.atHour(sat-1, 18)
	s.done("notices", "release", "--run", s.report("").Run.Key, "--provider", "google", "--by", "maria")
	s.done("deliver")
	s.mailedTo() // Friday's hours are over
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.accept(1)
	s.atHour(sat+2, 9)
	s.signIns(1, func() { s.done("deliver") })
	s.mailedTo(gmailContact(0))
	s.leftClean()
}

// Released in the morning of its own night, a mail leaves on what the release asked.
func TestIncidentReleaseIsTheRecheck(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 50)
	s.settings["guard"] = `{min_new_failures: 1}`
	s.refuse(0, 1)
	s.night(1)
	s.atHour(1, 10)
	s.done("notices", "release", "--run", s.report("").Run.Key, "--provider", "google", "--by", "maria")
	if n := s.signIns(0, func() { s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins", n)
	}
	s.mailedTo(gmailContact(0), gmailContact(1))
}

func TestIncidentNoAttemptsLeftForARecheck(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.refuse(0, 1, 2)
	for n := 1; n <= 3; n++ {
		s.night(n)
		s.atHour(n, 9)
		if n < 3 {
			s.done("deliver")
		}
	}
	s.done("check", "a2")
	s.done("check", "a2")
	if n := s.signIns(1, func() { s.done("deliver"); s.done("deliver") }); n != 1 {
		t.Errorf("%d sign-ins, want that of one mailbox that works", n)
	}
	s.mailedTo(gmailContact(0), gmailContact(1))
	s.waitsFor("a2", "today's attempts are used up")
	if o := s.do("doctor"); !strings.Contains(o.stdout, "no mail is overdue") {
		t.Errorf("a mail that waits for its re-check is overdue:\n%s", o.stdout)
	}
	s.done("run") // concluded already: its code tells of no late mail
	s.night(4)
	s.atHour(4, 9)
	s.signIns(1, func() { s.done("deliver") })
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(2))
	s.leftClean()
}

// A server that turns everybody away confirms nobody's failure.
func TestIncidentRecheckInAnOutageAccusesNobody(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.refuse(0, 1, 2, 3)
	for n := 1; n <= 3; n++ {
		s.night(n)
		s.atHour(n, 9)
		if n < 3 {
			s.done("deliver")
		}
	}
	s.mailedTo(gmailContact(0), gmailContact(1))
	all := []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11} // a2 works again, were it not for the outage
	s.refuse(all...)
	for h := 9.0; h < 16; h++ {
		s.atHour(3, h)
		s.done("deliver")
		s.done("deliver")
	}
	s.mailedTo(gmailContact(0), gmailContact(1))
	for login, n := range s.world.Attempts() {
		if n > 6 { // the first night's, two of each of two nights, and the last one's
			t.Errorf("%s was signed in to %d times", login, n)
		}
	}
	if queued := s.notices("--state", "queued"); len(queued) != 2 || !strings.Contains(queued[0].Detail+queued[1].Detail, "refuses mailboxes that work, too") {
		t.Errorf("queued %+v", queued)
	}
	if n := len(s.notices("--state", "held")); n != 0 {
		t.Errorf("%d held", n)
	}
	s.accept(all...)
	s.refuse(3)
	s.night(4)
	if r := s.report(""); r.Changes.NewlyFailing != 0 {
		t.Errorf("the re-check has opened a finding: %+v", r.Changes)
	}
	s.atHour(4, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1), gmailContact(3))
	s.leftClean()
}

// A provider that gives no answer is asked again an hour later, and its mails are owed by nobody meanwhile.
func TestIncidentRecheckWithoutAnAnswerWaits(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.refuse(0, 1)
	for n := 1; n <= 2; n++ {
		s.night(n)
	}
	s.atHour(2, 9)
	s.done("deliver")
	s.night(3)
	s.atHour(3, 9)
	s.world.Change("front1@gmail.com", func(a *sim.Account) { a.State = sim.BackendDown })
	s.done("deliver")
	s.mailedTo(gmailContact(0))
	s.waitsFor("a1", "waits for a re-check")
	if n := s.signIns(0, func() { s.atHour(3, 9.9); s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins before its hour", n)
	}
	s.refuse(1)
	s.atHour(3, 10.1)
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1))
	s.leftClean()
}

// What is refused for another reason now is the next run's to judge.
func TestIncidentRefusedOtherwiseIsTheNextRuns(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.refuse(0, 1)
	for n := 1; n <= 2; n++ {
		s.night(n)
	}
	s.atHour(2, 9)
	s.done("deliver")
	s.night(3)
	s.world.Change("front1@gmail.com", func(a *sim.Account) { a.State = sim.BrowserSignIn })
	s.atHour(3, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0))
	s.waitsFor("a1", "the provider says something else now")
	s.atHour(3, 15)
	if n := s.signIns(0, func() { s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins on the same day", n)
	}
	s.night(4) // does not leave it alone
	if got := s.report("").verdictsOf(); !slices.Equal(got["sign_in_blocked"], []string{"a1"}) {
		t.Errorf("findings %v", got)
	}
	s.atHour(4, 9)
	if n := s.signIns(0, func() { s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins for what the night has asked", n)
	}
	s.mailedTo(gmailContact(0), gmailContact(1))
	if mails := s.relay.Messages(); !strings.Contains(string(mails[len(mails)-1].Data), "sign in") {
		t.Errorf("the mail tells of the old cause:\n%s", mails[len(mails)-1].Data)
	}
}

// A guard that holds the provider holds its older mails too, once their refusal is old.
func TestIncidentOldMailsWaitWhileTheProviderIsHeld(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Sun", 1)
	s.settings["guard"] = `{min_new_failures: 3}`
	s.refuse(0, 1)
	s.night(1)
	s.atHour(1, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0))
	s.refuse(2, 3, 4, 5, 6)
	s.night(2)
	s.holds(5)
	s.atHour(2, 9)
	if n := s.signIns(0, func() { s.done("deliver") }); n != 0 {
		t.Errorf("%d sign-ins while the provider is held", n)
	}
	s.mailedTo(gmailContact(0))
	s.waitsFor("a1", "a guard holds notices of Google until a person decides")
	s.done("notices", "discard", "--run", s.report("").Run.Key, "--provider", "google", "--by", "maria")
	s.accept(2, 3, 4, 5, 6)
	s.atHour(2, 10.5)
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(1))
	s.leftClean()
}

// twoBoxes is a tenant with two mailboxes and one contact, beside others.
func twoBoxes(t *testing.T) *scene {
	t.Helper()
	s, rows := waiting(t, 12, "Mon-Fri", 50)
	rows[1]["tenant_id"], rows[1]["contact_email"] = rows[0]["tenant_id"], rows[0]["contact_email"]
	s.imported(rows[1])
	return s
}

// Where one of several mailboxes cannot be re-checked, their mail waits for it, until a run has asked all of them once
// more. Each finding is in one mail.
func TestIncidentOneMailWaitsForAllItsMailboxes(t *testing.T) {
	t.Parallel()
	s := twoBoxes(t)
	sat := saturday()
	s.night(sat - 1)
	s.refuse(0, 1)
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.world.Change("front1@gmail.com", func(a *sim.Account) { a.State = sim.BackendDown })
	s.atHour(sat+2, 9)
	s.done("deliver")
	s.mailedTo()
	s.waitsFor("a0", "(1 of 2 mailboxes)")
	s.settings["recheck_refused"] = "1h" // so that the run asks
	s.night(sat + 3)
	s.settings["recheck_refused"] = "168h"
	s.atHour(sat+3, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0))
	s.world.Change("front1@gmail.com", func(a *sim.Account) { a.State = sim.OK })
	s.settings["recheck_refused"] = "1h"
	s.night(sat + 4)
	s.atHour(sat+4, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(0))
	s.night(sat + 5)
	s.atHour(sat+5, 9)
	s.done("deliver")
	s.mailedTo(gmailContact(0), gmailContact(0))
	for _, id := range []string{"a0", "a1"} {
		if text := s.done("explain", id); strings.Count(text, "first notice, sent") != 1 {
			t.Errorf("explain %s:\n%s", id, text)
		}
	}
	s.leftClean()
}

// A mailbox of many tenants is signed in to once for all of their mails.
func TestIncidentMailboxOfManyTenantsIsRecheckedOnce(t *testing.T) {
	t.Parallel()
	s, rows := waiting(t, 20, "Mon-Fri", 50)
	for i := 14; i < 20; i++ {
		rows[i]["address"] = "front0@gmail.com"
	}
	s.imported(rows[14:]...)
	sat := saturday()
	s.night(sat - 1)
	s.refuse(0)
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.atHour(sat+2, 9)
	s.signIns(1, func() { s.done("deliver") })
	if got := s.recipients(); len(got) != 7 {
		t.Errorf("mailed to %v", got)
	}
	s.leftClean()
}

// A shared host gives no more refusals to re-checks than its night allows.
func TestIncidentRechecksLeaveASharedHostAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	shared := s.play(sim.CPanel(), sim.Mood{})
	s.settings["notices"] = `{mode: live, send_between: "Mon-Fri 09:00-16:00", confirm_nights: 1}`
	host := sim.CPanel().Hosts[0]
	var rows []row
	for i := range 20 {
		login := fmt.Sprintf("user%02d@clinic%02d.example", i, i)
		s.world.Set(login, sim.Account{Password: "Good!pass1"})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%02d", i), "tenant_id": fmt.Sprintf("T-%02d", i), "address": login,
			"secret": "Good!pass1", "host": host, "port": "465", "contact_email": fmt.Sprintf("contact%02d@customers.example", i)})
	}
	s.install(rows...)
	s.done("run")
	sat := saturday()
	s.night(sat - 1)
	for i := range 6 {
		s.world.Set(rows[i]["address"], sim.Account{Password: "Changed!1"})
	}
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.settings["providers"] = `{other: {max_concurrency: 8, max_rate: 1000/s, max_refusals: 3}}`
	before := shared.Counters().Credentials
	s.atHour(sat+2, 9)
	s.done("deliver")
	if n := shared.Counters().Credentials - before; n != 4 {
		t.Errorf("%d sign-ins, want three refused ones and one that works", n)
	}
	if got := s.recipients(); len(got) != 3 {
		t.Errorf("mailed to %v", got)
	}
	if queued := s.notices("--state", "queued"); len(queued) != 3 || !strings.Contains(queued[0].Detail, "it is left alone") {
		t.Errorf("queued %+v", queued)
	}
	s.atHour(sat+3, 9)
	s.done("deliver")
	if got := s.recipients(); len(got) != 6 {
		t.Errorf("mailed to %v", got)
	}
}

// run and serve re-check as deliver does, and run's code tells of nothing that waits for it.
func TestIncidentRunRechecksWhatWaited(t *testing.T) {
	t.Parallel()
	s, _ := gmailScene(t, 12)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 1}`
	s.done("run")
	s.refuse(0, 1, 2, 3)
	for n := 1; n <= 2; n++ {
		s.night(n)
	}
	told, waiting := s.recipients(), []int{}
	for i := 1; i <= 3; i++ {
		if !slices.Contains(told, gmailContact(i)) {
			waiting = append(waiting, i)
		}
	}
	if len(told) != 2 || len(waiting) != 2 { // which of the three has the second night's mail is a matter of moments
		t.Fatalf("mailed to %v", told)
	}
	s.accept(waiting[0])
	s.atHour(3, 5)
	s.signIns(2, func() { s.done("run") }) // the run's, and that of the mailbox that works
	s.mailedTo(append(told, gmailContact(waiting[1]))...)
	s.leftClean()
}

func TestIncidentServeRechecksWhatWaited(t *testing.T) {
	t.Parallel()
	s, _ := waiting(t, 12, "Mon-Fri", 50)
	sat := saturday()
	s.night(sat - 1)
	s.refuse(0, 1)
	for n := sat; n <= sat+2; n++ {
		s.night(n)
	}
	s.accept(1)
	s.settings["schedule"] = `""`
	s.serves(sat+2, 9*time.Hour)
	within(t, "both are dealt with", func() bool {
		return len(s.notices("--state", "suppressed")) == 1 && len(s.notices("--state", "sent")) == 1
	})
	s.mailedTo(gmailContact(0))
}
