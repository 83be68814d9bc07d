package oracle

import (
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// toldThe4th is a day after a-1's customer was told, with a run that refused it again.
func toldThe4th(t *testing.T, next string) *tale {
	s := refusedTwice(t)
	s.mail("finding", "a-1")
	s.evening()
	s.at(next + " 02:15")
	s.run("next")
	s.at(next + " 09:00")
	return s
}

func TestAFindingHasOneFirstNotice(t *testing.T) {
	s := toldThe4th(t, "2026-03-05")
	s.mail("finding", "a-1")
	s.evening()
	s.broken("told once", "a-1", "2026-03-04 09:00")
}

func TestRemindersWaitForTheirTime(t *testing.T) {
	s := toldThe4th(t, "2026-03-06")
	s.mail("reminder", "a-1")
	s.evening()
	s.broken("told once", "0 reminders")

	s = toldThe4th(t, "2026-03-07")
	s.mail("reminder", "a-1")
	s.evening()
	s.at("2026-03-10 02:15")
	s.run("tenth")
	s.at("2026-03-10 09:00") // due is the second after 7 days: on the 11th
	s.mail("reminder", "a-1")
	s.evening()
	s.broken("told once", "1 reminders")
}

func TestRemindersEnd(t *testing.T) {
	s := toldThe4th(t, "2026-03-07")
	s.mail("reminder", "a-1")
	s.evening()
	for _, d := range []string{"11", "30"} {
		s.at("2026-03-" + d + " 02:15")
		s.run("run-" + d)
		s.at("2026-03-" + d + " 09:00")
		s.mail("reminder", "a-1")
		s.evening()
		if d == "11" && len(s.found) > 0 {
			t.Errorf("%v", s.found)
		}
	}
	s.broken("told once", "2 reminders")
}

func TestNobodyIsRemindedOfWhatNobodyWasTold(t *testing.T) {
	s := refusedTwice(t)
	s.mail("reminder", "a-1")
	s.evening()
	s.broken("told once", "nobody was told")
}

// A mail that the relay refused for good has told nobody.
func TestARefusedMailIsNoFirstNotice(t *testing.T) {
	s := refusedTwice(t)
	s.send(s.notice("finding", nil, "a-1"), func(m *observe.Mail) { m.Answer, m.Arrived = observe.RelayNever, false })
	s.evening()
	s.at("2026-03-05 02:15")
	s.run("next")
	s.at("2026-03-05 09:00")
	s.mail("finding", "a-1")
	s.evening()
	s.fine()
}

// What fails again after it was accepted is a new finding.
func TestAnAcceptanceBeginsAnew(t *testing.T) {
	s := toldThe4th(t, "2026-03-05")
	s.evening()
	s.at("2026-03-06 01:00")
	s.says(s.accounts["a-1"], "accepted")
	s.at("2026-03-06 02:15")
	s.run("sixth")
	s.evening()
	s.at("2026-03-07 01:00")
	s.breaks("a-1")
	for _, d := range []string{"07", "08"} {
		s.at("2026-03-" + d + " 02:15")
		s.run("run-" + d)
		if d == "08" {
			s.mail("finding", "a-1")
		}
		s.evening()
	}
	s.fine()
}

func TestOnlyWhoWasToldHearsThatItWorksAgain(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.run("one")
	s.mail("recovered", "a-1")
	s.evening()
	s.broken("recovered", "not told that it failed")

	s = toldThe4th(t, "2026-03-05")
	s.mail("recovered", "a-1")
	s.evening()
	s.broken("recovered", "not accepted since")
}

func TestThatItWorksAgainIsToldOnceAndWhileItDoes(t *testing.T) {
	recovered := func() *tale {
		s := toldThe4th(t, "2026-03-05")
		s.evening()
		s.at("2026-03-06 01:00")
		s.says(s.accounts["a-1"], "accepted")
		s.at("2026-03-06 02:15")
		s.run("sixth")
		s.at("2026-03-06 09:00")
		return s
	}
	s := recovered()
	s.mail("recovered", "a-1")
	s.mail("recovered", "a-1")
	s.evening()
	s.broken("recovered", "M-3")

	s = recovered()
	id := s.notice("recovered", nil, "a-1")
	s.evening()
	s.at("2026-03-07 01:00")
	s.breaks("a-1")
	s.at("2026-03-07 02:15")
	s.run("seventh")
	s.at("2026-03-07 08:00")
	s.send(id)
	s.evening()
	s.broken("recovered", "last answer was a refusal")
}

// The notice, the fix and the good news on one day.
func TestAllOnOneDay(t *testing.T) {
	s := refusedTwice(t)
	s.mail("finding", "a-1")
	s.at("2026-03-04 11:00")
	s.account("a-1", func(a *observe.AccountIs) { a.Secret = "s-new" })
	p := s.start("run --changed")
	s.ask(p, "a-1", "accepted")
	id := s.notice("recovered", func(n *observe.NoticeRow) { n.Run = "" }, "a-1")
	s.sendBy(p, id)
	s.end(p, 0)
	s.evening()
	s.fine()
}

func TestWhoWasToldWronglyIsCorrectedOnce(t *testing.T) {
	s := refusedTwice(t)
	s.mail("correction", "a-1")
	s.evening()
	s.broken("corrected once", "a-1")

	s = refusedTwice(t)
	s.mail("finding", "a-1")
	s.mail("correction", "a-1")
	s.evening()
	s.fine()

	s.mail("correction", "a-1")
	s.evening()
	s.broken("corrected once", "corrected before")
}
