package oracle

import (
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestARunConcludes(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.exit = 1
	s.run("one", func(r *observe.RunRow) { r.Status, r.Phase = "incomplete", "concluding" })
	s.evening()
	s.at("2026-03-03 02:15")
	s.exit = 0
	s.run("two")
	s.evening()
	if len(s.found) > 0 { // one start may think that somebody works on it
		t.Errorf("%v", s.found)
	}
	s.at("2026-03-04 02:15")
	s.run("three")
	s.evening()
	s.broken("run concludes", "run one is incomplete (concluding)")
}

func TestAtTheEndEveryRunHasConcluded(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.exit = 1
	s.run("one", func(r *observe.RunRow) { r.Status = "running" })
	s.evening()
	s.calm()
	s.broken("run concludes", "run one is running")
}

// A run that a guard stopped waits for a person.
func TestAStoppedRunMayStay(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.exit = 1
	s.run("one", func(r *observe.RunRow) { r.Status = "stopped" })
	s.evening()
	s.at("2026-03-03 02:15")
	s.exit = 0
	s.run("two")
	s.evening()
	s.calm()
	s.fine()
}

func TestASummaryIsPostedOnce(t *testing.T) {
	post := func(s *tale, run, text string) {
		s.see(observe.SlackCall{Method: "chat.postMessage", Run: run, Text: text, Arrived: true})
	}
	s := begin(t)
	post(s, "one", "text")
	post(s, "one", "text")
	s.broken("summary once", "run one")

	s = begin(t)
	post(s, "one", "text")
	post(s, "one", "text; this may be a repeat")
	s.see(observe.SlackCall{Method: "chat.postMessage", Run: "one", Thread: true, Arrived: true})
	s.see(observe.SlackCall{Method: "chat.update", Run: "one", Arrived: true})
	s.see(observe.SlackCall{Method: "chat.postMessage", Run: "one"}) // which did not arrive
	s.fine()

	s = begin(t)
	for range 2 {
		s.see(observe.SlackCall{Method: "webhook", Text: "Nightly mail audit, Mon 2 Mar", Arrived: true})
	}
	s.broken("summary once", "stands in the channel twice")
}

func TestEverySummaryIsPosted(t *testing.T) {
	owed := func() *tale {
		s := begin(t)
		s.at("2026-03-02 02:15")
		s.exit = 1
		s.run("one", func(r *observe.RunRow) { r.PostedAt = time.Time{} })
		s.evening()
		return s
	}
	again := func(s *tale) {
		for _, d := range []string{"03", "04"} {
			s.at("2026-03-" + d + " 02:15")
			s.run("run-" + d)
			s.evening()
		}
	}
	s := owed()
	s.see(observe.SlackIs{Mood: "well"})
	again(s)
	s.broken("summary posted", "run one")

	s = owed()
	s.see(observe.SlackIs{Mood: "refuses"})
	s.run("other", func(r *observe.RunRow) { r.PostedAt = time.Time{} })
	s.evening()
	for _, v := range s.found {
		t.Errorf("%v", v)
	}

	s = owed()
	s.calm()
	s.broken("summary posted", "run one")
}

func TestWhatCountsAsPostedStandsInTheChannel(t *testing.T) {
	s := begin(t)
	s.at("2026-03-02 02:15")
	s.run("one", func(r *observe.RunRow) { r.PostedAt = time.Time{} })
	s.db.Runs[0].PostedAt = s.ob.Shown
	s.evening()
	s.broken("summary posted", "does not have it")
}

func TestCommandLinesAreRead(t *testing.T) {
	for line, want := range map[string]string{
		"run":                        "run ",
		"run --exit-code --key K":    "run exit-code= key=K",
		"run --accept-source":        "run accept-source=",
		"notices stop --by alice":    "notices stop by=alice",
		"notices told M-3 --by eve":  "notices told by=eve",
		"check a-1":                  "check ",
		"notices release --run=K":    "notices release run=K",
		"accounts list --format csv": "accounts list format=csv",
	} {
		c := commandOf(observe.CommandBegan{Args: strings.Fields(line)}, moment{})
		got := c.name
		for _, f := range []string{"exit-code", "accept-source", "run", "key", "by", "format"} {
			if c.has(f) {
				got += " " + f + "=" + c.flags[f]
			}
		}
		if got != strings.TrimSpace(want) {
			t.Errorf("%s is read as %q", line, got)
		}
	}
}
