package oracle

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestOnlyFailingVerdictsAreTold(t *testing.T) {
	s := refusedTwice(t)
	s.send(s.notice("finding", func(n *observe.NoticeRow) { n.Items[0].Verdict = "unproven" }, "a-1"))
	s.evening()
	s.broken("failing only", "unproven")
}

func TestARefusalThatIsToldIsFresh(t *testing.T) {
	s := refusedTwice(t)
	s.exit = 1 // for the mail is overdue
	id := s.notice("finding", nil, "a-1")
	s.evening()
	s.at("2026-03-05 08:00")
	s.send(id) // 29 h after the refusal
	s.evening()
	s.broken("fresh refusal", "a-1", "2026-03-04 02:15")

	s = refusedTwice(t)
	id = s.notice("finding", nil, "a-1")
	s.evening()
	s.at("2026-03-05 02:15") // asked again before it leaves
	s.run("four")
	s.at("2026-03-05 08:00")
	s.send(id)
	s.evening()
	s.fine()
}

// Clocks that jumped ahead make a refusal look old, which harms nobody.
func TestAClockThatJumpedMakesNoRefusalOld(t *testing.T) {
	s := refusedTwice(t)
	s.see(observe.ClockMoved{By: 40 * time.Hour, Off: 40 * time.Hour})
	s.ob.Shown = s.ob.Shown.Add(40 * time.Hour)
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestNobodyIsToldOfWhatWorksAgain(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.says(s.accounts["a-1"], "accepted")
	s.configure(func(c *observe.Configured) { c.AttemptsPerDay = 3 })
	s.do("run --changed")
	s.ask(s.start("run --changed"), "a-1", "accepted")
	s.at("2026-03-04 10:00")
	s.send(id)
	s.see(observe.ProcessEnded{})
	s.verdict["a-1"] = "revoked" // as the run had it
	s.evening()
	s.broken("fresh refusal", "does not bear out")
}

func TestANewSecretWasNeverRefused(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.account("a-1", func(a *observe.AccountIs) { a.Secret = "s-new" })
	s.at("2026-03-04 10:00")
	s.send(id)
	s.evening()
	s.broken("fresh refusal", "never refused")
}

func TestAnAmbiguousFindingIsConfirmed(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.run("one")
	s.evening()
	s.at("2026-03-03 02:00")
	s.breaks("a-1")
	s.at("2026-03-03 02:15")
	s.run("two")
	s.at("2026-03-03 09:00")
	s.mail("finding", "a-1")
	s.evening()
	s.broken("confirmed", "after 1 nights of 2")
}

// Two runs on one day are one night.
func TestNightsAreTwentyHoursApart(t *testing.T) {
	s := begin(t)
	s.at("2026-03-03 01:00")
	s.breaks("a-1")
	s.at("2026-03-03 02:15")
	s.run("one")
	s.at("2026-03-03 22:00")
	s.run("two")
	s.mail("finding", "a-1")
	s.evening()
	s.broken("confirmed", "after 1 nights of 2")
}

func TestAnInconclusiveNightConfirmsNothing(t *testing.T) {
	s := begin(t)
	s.at("2026-03-03 01:00")
	s.breaks("a-1")
	s.at("2026-03-03 02:15")
	s.run("one", func(r *observe.RunRow) { r.Void = []string{"google"} })
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("two")
	s.at("2026-03-04 09:00")
	s.mail("finding", "a-1")
	s.evening()
	s.broken("confirmed", "after 1 nights of 2")
}

// What the provider itself names is told the same night.
func TestADefiniteFindingIsToldAtOnce(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:00")
	s.says(s.accounts["a-1"], "needs-app-password")
	s.at("2026-03-02 02:15")
	s.run("one")
	s.at("2026-03-02 09:00")
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestLiveTrafficContradictsARefusal(t *testing.T) {
	for after, proof := range map[string]bool{"2026-03-03 03:00": true, "2026-03-02 12:00": false, "2026-03-04 02:30": false} {
		sent, _ := time.Parse("2006-01-02 15:04", after)
		s := refusedTwice(t, func(s *tale) { s.account("a-1", func(a *observe.AccountIs) { a.LastSentOKAt = sent }) })
		s.mail("finding", "a-1") // refused at 02:15 on the 4th
		s.evening()
		if proof {
			s.broken("live traffic", "a-1", sent.Format(time.DateOnly))
		} else {
			s.fine()
		}
	}
}

// outage has so many accounts that Google accepted, and refuses all of them from run "two" on.
func outage(t *testing.T, accounts int, mood observe.Mood) *tale {
	s := begin(t)
	for n := 3; n <= accounts; n++ {
		s.account(fmt.Sprintf("a-%d", n), nil)
	}
	s.at("2026-03-02 02:15")
	s.run("one")
	s.evening()
	s.at("2026-03-03 02:00")
	s.mood(mood)
	return s
}

func TestNobodyIsToldOfAnOutage(t *testing.T) {
	s := outage(t, 20, observe.Refusing)
	s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
	s.at("2026-03-03 02:15")
	s.run("two", func(r *observe.RunRow) { r.Void = []string{"google"} })
	s.at("2026-03-03 09:00")
	s.verdict["a-1"] = "revoked"
	s.send(s.notice("finding", func(n *observe.NoticeRow) { n.Run = "" }, "a-1"))
	s.evening()
	s.reported("never for an outage")
}

// So few that no guard can see it: the provider lied, and the program could not know.
func TestALieToFewIsNotTheProgramsFault(t *testing.T) {
	s := outage(t, 2, observe.Refusing)
	s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
	s.at("2026-03-03 02:15")
	s.run("two")
	s.at("2026-03-03 09:00")
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

// What was throttled, or not answered, is no refusal at all.
func TestNobodyIsToldOfThrottling(t *testing.T) {
	for _, mood := range []observe.Mood{observe.Throttles, observe.Hangs, observe.Outage535, observe.Babbles} {
		s := outage(t, 2, mood)
		s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
		s.at("2026-03-03 02:15")
		s.run("two")
		s.at("2026-03-03 09:00")
		s.verdict["a-1"] = "revoked"
		s.mail("finding", "a-1")
		s.verdict["a-1"] = "unverified"
		s.evening()
		s.reported("never for an outage")
	}
}

func TestAPersonWhoReleasesDecides(t *testing.T) {
	s := outage(t, 20, observe.Refusing)
	s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
	s.at("2026-03-03 02:15")
	s.run("two", func(r *observe.RunRow) { r.Held = []string{"google"} })
	id := s.notice("finding", func(n *observe.NoticeRow) { n.Hold, n.State = "two", "held" }, "a-1")
	s.db.Holds = []observe.HoldRow{{Run: "two", Provider: "google", State: "open", OpenedAt: s.ob.Shown}}
	s.at("2026-03-03 09:00")
	s.do("notices release --run two --provider google --by alice")
	s.db.Holds[0].State = "released"
	s.send(id)
	s.evening()
	s.fine()
}
