package oracle

import (
	"fmt"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// mass has so many of some accounts break between two runs; the second run is shown.
func mass(t *testing.T, accounts, broken int, change ...func(*observe.RunRow)) *tale {
	s := begin(t)
	for n := 3; n <= accounts; n++ {
		s.account(fmt.Sprintf("a-%d", n), nil)
	}
	s.at("2026-03-02 02:15")
	s.run("one")
	s.evening()
	s.at("2026-03-03 02:00")
	for n := 1; n <= broken; n++ {
		s.breaks(fmt.Sprintf("a-%d", n))
	}
	s.at("2026-03-03 02:15")
	s.run("two", change...)
	return s
}

func holds(r *observe.RunRow) { r.Held = []string{"google"} }

// By default more than 10, and more than 1%, or more than half of at least 4.
func TestAMassIsHeld(t *testing.T) {
	for _, c := range []struct {
		accounts, broken int
		mass             bool
	}{{30, 10, false}, {30, 11, true}, {8, 4, false}, {8, 5, true}, {4, 3, true}, {3, 3, false}} {
		s := mass(t, c.accounts, c.broken)
		s.evening()
		if c.mass {
			s.broken("guard", "does not hold google")
		} else {
			s.fine()
		}
		s = mass(t, c.accounts, c.broken, holds)
		s.db.Holds = []observe.HoldRow{{Run: "two", Provider: "google", State: "open", OpenedAt: s.ob.Shown}}
		s.evening()
		if c.mass {
			s.fine()
		} else {
			s.broken("guard", "holds google")
		}
	}
}

func TestOnItsFirstNightAMassIsHeldToo(t *testing.T) {
	for broken, is := range map[int]bool{10: false, 11: true} {
		s := begin(t)
		for n := 3; n <= 12; n++ {
			s.account(fmt.Sprintf("a-%d", n), nil)
		}
		for n := 1; n <= broken; n++ {
			s.breaks(fmt.Sprintf("a-%d", n))
		}
		s.at("2026-03-02 02:15")
		s.run("one")
		s.evening()
		if is {
			s.broken("guard", "11 fail newly")
		} else {
			s.fine()
		}
	}
}

// A provider that is held stays so while its hold is open, however few new failures there are.
func TestAnOpenHoldHoldsTheNextRun(t *testing.T) {
	s := mass(t, 30, 11, holds)
	s.db.Holds = []observe.HoldRow{{Run: "two", Provider: "google", State: "open", OpenedAt: s.ob.Shown}}
	s.evening()
	s.at("2026-03-04 02:15")
	s.run("three", holds)
	s.evening()
	s.fine()
}

func TestAnOutageIsInconclusive(t *testing.T) {
	for accounts, void := range map[int]bool{10: false, 11: true} {
		s := outage(t, accounts, observe.Away)
		s.at("2026-03-03 02:15")
		s.run("two")
		s.evening()
		if void {
			s.broken("outage", "11 of 11")
		} else {
			s.fine()
		}
	}
	s := outage(t, 20, observe.Hangs)
	s.at("2026-03-03 02:15")
	s.run("two", func(r *observe.RunRow) { r.Void = []string{"google"} })
	s.evening()
	s.fine()
}

func TestAnInconclusiveRunSaysNothing(t *testing.T) {
	void := func(r *observe.RunRow) { r.Void = []string{"google"} }
	s := mass(t, 3, 1, void)
	s.lines["two"][0].verdict = "revoked"
	p := s.start("deliver")
	s.by(p, observe.SlackCall{Method: "chat.update", Run: "two", Text: s.prose(figures{3, 1, 0, 1}), Arrived: true})
	s.end(p, 0)
	s.evening()
	s.broken("inconclusive", "a-1")

	s = refusedTwice(t)
	s.db.Runs[2].Void = []string{"google"}
	s.configure(func(c *observe.Configured) { c.ConfirmNights = 1 })
	s.mail("finding", "a-1")
	s.evening()
	s.broken("inconclusive", "M-1")
}

func TestAShrunkenSourceStopsTheRun(t *testing.T) {
	shrink := func() *tale {
		s := begin(t)
		s.account("a-3", nil)
		s.at("2026-03-02 02:15")
		s.run("one")
		s.evening()
		s.at("2026-03-03 02:15")
		delete(s.accounts, "a-2")
		delete(s.accounts, "a-3")
		return s
	}
	s := shrink()
	s.run("two")
	s.evening()
	s.broken("source guard", "2 of 3 accounts are gone")

	s = shrink()
	s.runAs("run --accept-source", "two")
	s.evening()
	s.fine()
}
