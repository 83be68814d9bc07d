package oracle

import (
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestExitCodesAreThoseOfThePapers(t *testing.T) {
	for line, exits := range map[string]map[int]bool{
		"run":                  {0: true, 1: true, 3: false, 4: false, 130: true, 143: true, 7: false, -1: false},
		"run --exit-code":      {3: true, 4: false},
		"check a-1":            {0: true, 4: false},
		"check a-1 --format x": {2: true},
	} {
		for exit, allowed := range exits {
			s := begin(t)
			p := s.start(line)
			if line == "run --exit-code" && exit == 3 {
				s.db.Holds = []observe.HoldRow{{Run: "one", Provider: "google", State: "open"}}
			}
			s.end(p, exit)
			s.evening()
			if allowed {
				s.fine()
			} else {
				s.broken("exit code", line)
			}
		}
	}
}

func TestAnErrorIsOneLine(t *testing.T) {
	for _, stderr := range []string{"", "mailaudit: one\nmailaudit: two\n"} {
		s := begin(t)
		p := s.start("report no-such-run")
		s.by(p, observe.CommandEnded{ID: s.command, Exit: 1, Stderr: stderr})
		s.broken("exit code", "report no-such-run")
	}
}

func TestAnOpenHoldGivesThree(t *testing.T) {
	for _, c := range []struct {
		exit int
		open bool
	}{{3, false}, {0, true}} {
		s, _ := held(t)
		if !c.open {
			s.do("notices discard --run two --provider google --by bob")
			s.db.Holds[0].State, s.db.Holds[0].DecidedAt, s.db.Notices[0].State = "discarded", s.ob.Shown, "suppressed"
		}
		s.at("2026-03-03 12:00")
		s.exit = c.exit
		s.runAs("run --exit-code", "by-day", holds)
		s.evening()
		s.reported("exit code")
	}
}

func TestARunThatIsNotDoneDoesNotEndWithZero(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.runAs("run --key one", "one", func(r *observe.RunRow) { r.Status = "incomplete" })
	s.evening()
	s.broken("exit code", `its run is "incomplete"`)
}

func TestAnOverdueMailGivesOne(t *testing.T) {
	s := refusedTwice(t)
	s.notice("finding", nil, "a-1")
	s.evening()
	s.at("2026-03-05 09:01")
	s.run("four")
	s.evening()
	s.broken("exit code", "was overdue")
}

func TestAMailInHandGivesOne(t *testing.T) {
	s := refusedTwice(t)
	id := s.notice("finding", nil, "a-1")
	s.db.Notices[id-1].State = "sending"
	s.evening()
	s.at("2026-03-05 02:15")
	s.run("four")
	s.evening()
	s.broken("exit code", "was sending")
}
