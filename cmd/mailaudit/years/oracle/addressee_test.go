package oracle

import (
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestAMailIsOnRecord(t *testing.T) {
	s := refusedTwice(t)
	s.send(s.notice("finding", nil, "a-1"), func(m *observe.Mail) { m.MessageID, m.Number = "another@clinic.example", 99 })
	s.evening()
	s.broken("on record", "another@clinic.example")

	s = refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.send(id)
	s.db.Notices[id-1].State = "queued"
	s.evening()
	s.broken("on record", `"queued"`, `"took"`)

	s = refusedTwice(t) // whose process died before it wrote what it had heard
	p := s.start("deliver")
	id = s.notice("finding", nil, "a-1")
	s.sendBy(p, id)
	s.by(p, observe.Crashed{Call: "Settle"})
	s.db.Notices[id-1].State = "ambiguous"
	s.evening()
	s.fine()
}

func TestOneMailIsForOneContactOfOneTenant(t *testing.T) {
	s := refusedTwice(t)
	s.send(s.notice("finding", nil, "a-1"), func(m *observe.Mail) { m.To = append(m.To, "desk2@clinic.example") })
	s.evening()
	s.broken("one addressee", "desk2@clinic.example")

	s = refusedTwice(t)
	s.breaks("a-2")
	s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
	s.run("again")
	s.mail("finding", "a-1", "a-2")
	s.evening()
	s.broken("one addressee", "a-2", "T-2")

	s = refusedTwice(t)
	s.send(s.notice("finding", nil, "a-1"), func(m *observe.Mail) { m.Mailboxes = []string{"mail1@gmail.com", "mail2@gmail.com"} })
	s.evening()
	s.broken("one addressee", "mail2@gmail.com")
}

func TestTheContactOfTheMomentIsMailed(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.account("a-1", func(a *observe.AccountIs) { a.Contact = "new@clinic.example" })
	s.breaks("a-1")
	s.at("2026-03-04 10:00")
	s.send(id)
	s.evening()
	s.broken("one addressee", "new@clinic.example")

	for _, contact := range []string{"", "one@clinic.example, two@clinic.example", "nobody"} {
		s = refusedTwice(t)
		id := s.notice("finding", nil, "a-1")
		s.account("a-1", func(a *observe.AccountIs) { a.Contact = contact })
		s.breaks("a-1")
		s.at("2026-03-04 10:00")
		s.send(id)
		s.evening()
		s.broken("one addressee", "a-1")
	}

	s = refusedTwice(t, func(s *tale) {
		s.account("a-1", func(a *observe.AccountIs) { a.Contact = "Maria <Desk1@Clinic.example>" })
	})
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

func TestNobodyIsToldOfAnAccountThatIsGone(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.see(observe.AccountGone{ID: "a-1"})
	s.at("2026-03-04 10:00")
	s.send(id)
	s.evening()
	s.broken("account gone", "a-1")

	s = refusedTwice(t) // it has another number now
	id = s.notice("finding", nil, "a-1")
	s.see(observe.AccountRenumbered{Old: "a-1", New: "a-9"})
	a := s.accounts["a-1"]
	a.ID = "a-9"
	s.see(a)
	s.at("2026-03-04 10:00")
	s.send(id)
	s.evening()
	s.fine()
}
