package oracle

import (
	"fmt"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// tellTo tells one account after the other of a failure that the provider named.
func tellTo(t *testing.T, accounts int, change func(*observe.Configured), of func(n int, a *observe.AccountIs)) *tale {
	s := begin(t)
	s.configure(change)
	s.configure(func(c *observe.Configured) { c.MinNewFailures = 100 })
	s.at("2026-03-02 02:00")
	for n := 1; n <= accounts; n++ {
		s.account(fmt.Sprintf("a-%d", n), func(a *observe.AccountIs) { of(n, a) })
	}
	for _, id := range s.ids() {
		s.says(s.accounts[id], "needs-app-password")
	}
	s.at("2026-03-02 02:15")
	s.run("one")
	s.at("2026-03-02 09:00")
	for _, id := range s.ids() {
		s.mail("finding", id)
	}
	s.evening()
	return s
}

func TestANightHasItsCap(t *testing.T) {
	for accounts, over := range map[int]bool{3: false, 4: true} {
		s := tellTo(t, accounts, func(c *observe.Configured) { c.MaxPerNight = 3 }, func(int, *observe.AccountIs) {})
		if over {
			s.broken("max_per_night", "is mail 4")
		} else {
			s.fine()
		}
	}
}

func TestARecipientHasItsCap(t *testing.T) {
	agency := func(_ int, a *observe.AccountIs) { a.Contact = "agency@clinic.example" }
	for accounts, over := range map[int]bool{3: false, 4: true} {
		s := tellTo(t, accounts, func(*observe.Configured) {}, agency)
		if over {
			s.broken("max_per_recipient", "is mail 4", "agency@clinic.example")
		} else {
			s.fine()
		}
	}
}

func TestATenantHasItsCap(t *testing.T) {
	chain := func(n int, a *observe.AccountIs) { a.Tenant = "T-chain" }
	for accounts, over := range map[int]bool{2: false, 3: true} {
		s := tellTo(t, accounts, func(c *observe.Configured) { c.MaxPerTenant = 2 }, chain)
		if over {
			s.broken("max_per_tenant", "is mail 3", "T-chain")
		} else {
			s.fine()
		}
	}
}

// A day later there is room again.
func TestCapsAreOfADay(t *testing.T) {
	s := refusedTwice(t)
	s.configure(func(c *observe.Configured) { c.MaxPerNight, c.MaxPerRecipient, c.MaxPerTenant = 1, 1, 1 })
	s.mail("finding", "a-1")
	s.evening()
	s.at("2026-03-05 01:00")
	s.says(s.accounts["a-1"], "accepted")
	s.at("2026-03-05 02:15")
	s.run("four")
	s.mail("recovered", "a-1")
	s.evening()
	s.fine()
}

func TestNoMailLeavesTwice(t *testing.T) {
	for _, answer := range []observe.RelayAnswer{observe.RelayTook, observe.RelayNothing} {
		s := refusedTwice(t)
		id := s.notice("finding", nil, "a-1")
		s.send(id, func(m *observe.Mail) { m.Answer = answer })
		s.db.Notices[id-1].State = "sent"
		s.at("2026-03-04 12:00")
		s.send(id)
		s.evening()
		s.reported("never twice")
	}
	for _, answer := range []observe.RelayAnswer{observe.RelayLater, observe.RelayCut, observe.RelayNever} {
		s := refusedTwice(t)
		id := s.notice("finding", nil, "a-1")
		s.send(id, func(m *observe.Mail) { m.Answer, m.Arrived = answer, false })
		s.at("2026-03-04 12:00")
		s.send(id)
		s.evening()
		s.fine()
	}
}

// A refusal for good may mean us, until the relay takes another mail.
func TestARefusalStandsOnceTheRelayTookAnotherMail(t *testing.T) {
	for _, again := range []bool{false, true} {
		s := refusedTwice(t)
		id, other := s.notice("finding", nil, "a-1"), s.notice("finding", nil, "a-2")
		never := func(m *observe.Mail) { m.Answer, m.Arrived = observe.RelayNever, false }
		p := s.start("deliver")
		s.sendBy(p, id, never)
		s.sendBy(p, other)
		s.sendBy(p, id, never)
		if again {
			s.sendBy(p, id, never)
		}
		s.end(p, 0)
		s.evening()
		if again {
			s.reported("never twice")
		} else {
			s.unreported("never twice")
		}
	}
}

// The relay refused it, and the process never heard: it is offered again.
func TestARefusalThatNobodyHeardSettlesNothing(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	p := s.start("deliver")
	s.sendBy(p, id, func(m *observe.Mail) { m.Answer, m.Arrived = observe.RelayNever, false })
	s.by(p, observe.CallFailed{Call: "rcpt", After: true})
	s.end(p, 1)
	s.at("2026-03-04 12:00")
	s.send(id)
	s.evening()
	s.fine()
}

func TestTheMessageIDStaysTheSame(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.send(id, func(m *observe.Mail) { m.Answer, m.Arrived = observe.RelayLater, false })
	s.at("2026-03-04 12:00")
	s.send(id, func(m *observe.Mail) { m.MessageID = "second@clinic.example" })
	s.evening()
	s.broken("never twice", "second@clinic.example")
}
