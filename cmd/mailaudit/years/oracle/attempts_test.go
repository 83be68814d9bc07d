package oracle

import (
	"fmt"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// check has the account asked so often on one day, by one command after the other.
func check(s *tale, id string, times int) {
	for range times {
		p := s.start("check " + id)
		s.ask(p, id, "refused")
		s.end(p, 0)
	}
}

func TestALoginIsAskedSoOftenADay(t *testing.T) {
	for times, tooOften := range map[int]bool{2: false, 3: true} {
		s := begin(t)
		check(s, "a-1", times)
		if tooOften {
			s.broken("attempts_per_day", "mail1@gmail.com", "no. 3")
		} else {
			s.fine()
		}
	}
}

// Over all tenants that store the same mailbox, and whatever became of the process.
func TestAttemptsAreCountedOverTenantsAndCrashes(t *testing.T) {
	s := begin(t)
	s.account("a-2", func(a *observe.AccountIs) { a.Address, a.Secret = "Mail1@gmail.com", "s-1" })
	check(s, "a-1", 1)
	p := s.start("run")
	s.ask(p, "a-2", "refused")
	s.by(p, observe.Crashed{Call: "Record"})
	s.ask(s.start("run"), "a-2", "refused")
	s.broken("attempts_per_day", "no. 3")
}

func TestTheNextDayHasAttemptsOfItsOwn(t *testing.T) {
	s := begin(t)
	s.configure(func(c *observe.Configured) { c.TimeZone = "America/New_York" })
	s.at("2026-03-02 04:59")
	check(s, "a-1", 2)
	s.at("2026-03-02 05:00") // midnight in New York
	check(s, "a-1", 2)
	s.fine()
}

// A renewed refresh token is the same secret.
func TestARenewedGrantIsTheSameSecret(t *testing.T) {
	s := begin(t)
	check(s, "a-1", 2)
	s.see(observe.SecretRenewed{Old: "s-1", New: "s-1b"})
	s.account("a-1", func(a *observe.AccountIs) { a.Secret = "s-1b" })
	check(s, "a-1", 1)
	s.broken("attempts_per_day", "no. 3")
}

func TestCanariesAreAskedFourTimes(t *testing.T) {
	for times, tooOften := range map[int]bool{4: false, 5: true} {
		s := begin(t)
		s.account("a-1", func(a *observe.AccountIs) { a.Canary = "good" })
		check(s, "a-1", times)
		if tooOften {
			s.broken("attempts_per_day", "no. 5")
		} else {
			s.fine()
		}
	}
}

func TestALoginIsTriedWithThreeSecretsADay(t *testing.T) {
	for secrets, tooMany := range map[int]bool{3: false, 4: true} {
		s := begin(t)
		for n := range secrets {
			s.account("a-1", func(a *observe.AccountIs) { a.Secret = observe.SecretID(fmt.Sprint("s-1-", n)) })
			check(s, "a-1", 1)
		}
		if tooMany {
			s.broken("secrets per day", "4 secrets")
		} else {
			s.fine()
		}
	}
}

func TestAHostIsLeftAloneAfterItsRefusals(t *testing.T) {
	for refusals, tooMany := range map[int]bool{2: false, 3: true} {
		s := begin(t)
		s.configure(func(c *observe.Configured) { c.MaxRefusals, c.MinNewFailures = map[string]int{"google": 2}, 100 })
		s.account("a-3", nil)
		for n := 1; n <= refusals; n++ {
			s.breaks(fmt.Sprint("a-", n))
		}
		s.at("2026-03-04 02:15")
		s.run("one")
		s.evening()
		if tooMany {
			s.broken("max_refusals", "refused 3 times")
		} else {
			s.fine()
		}
	}
}

func TestARowThatIsUnusableIsNotUsed(t *testing.T) {
	own := func(a *observe.AccountIs) { a.OwnData = true }
	s := begin(t)
	s.account("a-1", own)
	s.at("2026-03-02 09:00")
	check(s, "a-1", 1)
	s.broken("unusable row", "a-1")

	s = refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.account("a-1", own)
	s.at("2026-03-04 10:00")
	s.send(id)
	s.evening()
	s.broken("unusable row", "M-1")

	s = begin(t) // the same mailbox, stored rightly elsewhere
	s.account("a-2", func(a *observe.AccountIs) { a.Address, a.Secret = "Mail1@gmail.com", "s-1" })
	s.account("a-1", own)
	s.at("2026-03-02 09:00")
	check(s, "a-2", 1)
	s.fine()
}
