package oracle

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// idle has days pass on which deliver runs and nothing is sent.
func (s *tale) idle(days int, each ...func()) {
	for range days {
		s.ob.At = s.ob.At.Truncate(day).Add(day + 9*time.Hour)
		s.ob.Shown, s.ob.Night = s.ob.At, s.ob.At.YearDay()
		for _, f := range each {
			f()
		}
		s.do("deliver")
		s.evening()
	}
}

func TestAQueuedMailIsSettledWithinDays(t *testing.T) {
	queued := func() *tale {
		s := refusedTwice(t)
		s.notice("finding", nil, "a-1")
		s.evening()
		return s
	}
	s := queued()
	s.idle(8)
	s.broken("mails are settled", "M-1", "still queued")

	for name, excuse := range map[string]func(*tale){
		"the kill switch": func(s *tale) { s.do("notices stop"); s.db.Stopped = "alice" },
		"a mute": func(s *tale) {
			s.db.Snoozes = []observe.SnoozeRow{{Tenant: "T-1", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}
		},
		"the mode":      func(s *tale) { s.configure(func(c *observe.Configured) { c.Mode = "shadow" }) },
		"the relay":     func(s *tale) { s.see(observe.RelayIs{Mood: "refuses"}) },
		"the provider":  func(s *tale) { s.mood(observe.Away) },
		"the night cap": func(s *tale) { s.configure(func(c *observe.Configured) { c.MaxPerNight = 0 }) },
	} {
		s := queued()
		excuse(s)
		s.idle(8)
		s.see(observe.Began{})
		for _, v := range s.found {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestAMailInHandIsSettledByTheNextStart(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.db.Notices[id-1].State = "sending"
	s.evening()
	s.idle(1)
	if len(s.found) > 0 {
		t.Errorf("%v", s.found)
	}
	s.idle(2)
	s.broken("mails are settled", `still "sending"`)
}

func TestNobodyIsForgotten(t *testing.T) {
	nights := func(s *tale, n int) {
		for i := range n {
			s.at(fmt.Sprintf("2026-03-%02d 02:15", 5+i))
			s.run(fmt.Sprint("night-", i))
			s.evening()
		}
	}
	s := refusedTwice(t)
	s.evening()
	nights(s, 1)
	s.broken("nobody is forgotten", "a-1", "in 3 runs")

	s = refusedTwice(t)
	s.notice("finding", func(n *observe.NoticeRow) { n.State = "suppressed" }, "a-1")
	s.evening()
	nights(s, 3)
	s.fine()

	s = refusedTwice(t, func(s *tale) { s.account("a-1", func(a *observe.AccountIs) { a.Contact = "" }) })
	s.evening()
	nights(s, 3)
	s.fine()
}
