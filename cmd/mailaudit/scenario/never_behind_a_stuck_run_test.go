package scenario

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
)

// A run that cannot be concluded at all gives up after its window, with an alarm; later runs do not wait for it, and
// it goes on once the cause is gone.
func TestIncidentStuckRunHoldsUpNoOther(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := clinicsIn(t, database)
		s.env = []string{stuckSooner + "=3"}
		s.settings["window"] = "4s"
		s.settings["metrics"] = inYAML(map[string]any{"textfile": s.path("mailaudit.prom")})
		s.revoke(0, 3)
		allow := s.refuses(refusing{"runs", "UPDATE", `NEW.run_key = 'night-1' AND NEW.phase = 'done'`})
		s.atNight(1)
		o := s.alone("run", "--key", "night-1")
		if o.code != exit.Failed || !strings.Contains(o.stderr, "run night-1 is stuck: conclude_run failed 3 times in a row") {
			t.Errorf("exit %d:\n%s", o.code, lastLines(o.stderr, 5))
		}
		if r := s.report("night-1"); r.Run.Status != "incomplete" {
			t.Errorf("the stuck run is %s", r.Run.Status)
		}
		s.handedOver("mailaudit_stuck_steps{step=\"conclude_run\"} 1")
		alarm := s.alarm("Fix the conclusion of run night-1", "failed 3 times in a row")
		if !strings.Contains(alarm, "SQLSTATE P0001") && !strings.Contains(alarm, "SQLite result code 1811") {
			t.Errorf("the alarm does not name the code: %s", alarm)
		}
		s.nothingMailed()

		s.settings["window"] = "4h"
		r := s.concludesBeside(2)
		if got := r.verdictsOf()["revoked"]; len(got) != 3 {
			t.Errorf("revoked are %v", got)
		}
		s.mailedTo("contact00@customers.example", "contact01@customers.example", "contact02@customers.example")
		s.alarm("Fix the conclusion of run night-1", "failed 3 times in a row") // not once more

		allow()
		s.concludesBeside(3)
		if r := s.report("night-1"); r.Run.Status != "concluded" || r.Run.Accounts != 20 {
			t.Errorf("the run that was stuck: %+v", r.Run)
		}
		if got := s.report("night-3").Changes; got.NewlyFailing != 0 || got.StillFailing != 3 {
			t.Errorf("changes of the last night: %+v", got)
		}
		s.mailedTo("contact00@customers.example", "contact01@customers.example", "contact02@customers.example")
		s.handedOver("mailaudit_stuck_steps{step=\"conclude_run\"} 0")
	})
}

// concludesBeside plays a night beside whatever else is owed.
func (s *scene) concludesBeside(n int) nightReport {
	s.t.Helper()
	s.atNight(n)
	key := "night-" + string(rune('0'+n))
	if o := s.alone("run", "--key", key); o.code != exit.Done {
		s.t.Fatalf("night %d: exit %d:\n%s", n, o.code, lastLines(o.stderr, 12))
	}
	r := s.report(key)
	if r.Run.Status != "concluded" || r.Run.Accounts != 20 {
		s.t.Errorf("night %d: %+v", n, r.Run)
	}
	return r
}

// alarm gives the only alarm in Slack, which says all of this.
func (s *scene) alarm(want ...string) string {
	s.t.Helper()
	var all []string
	for _, p := range s.slack.Posts() {
		if strings.Contains(string(p.Payload), "mailaudit_alarm") {
			all = append(all, string(p.Payload))
		}
	}
	if len(all) != 1 || slices.ContainsFunc(want, func(text string) bool { return !strings.Contains(all[0], text) }) {
		s.t.Fatalf("alarms %q, want one that says %q", all, want)
	}
	return all[0]
}

// handedOver: the metrics that the last run handed over have this line.
func (s *scene) handedOver(want string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path("mailaudit.prom"))
	s.need(err)
	if !slices.Contains(strings.Split(string(text), "\n"), want) {
		s.t.Errorf("the metrics lack %s", want)
	}
}

// A summary whose mark cannot be stored stands in Slack once, also where nobody can look whether it does.
func TestIncidentUnmarkedSummaryIsPostedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := clinicsIn(t, database)
		s.env = []string{stuckSooner + "=3"}
		s.settings["slack"] = fmt.Sprintf(`{webhook: "%s", channel: ""}`, s.slack.WebhookURL())
		s.settings["deliver_within"] = "10s"
		allow := s.refuses(refusing{"runs", "UPDATE", `NEW.run_key = 'night-1' AND NEW.posted_at IS NOT NULL`})
		s.atNight(1)
		if o := s.alone("run", "--key", "night-1"); o.code != exit.Failed || !strings.Contains(o.stderr, "1 summary") {
			t.Errorf("exit %d:\n%s", o.code, lastLines(o.stderr, 5))
		}
		posts := 0
		for _, p := range s.slack.Posts() {
			if p.Method == "webhook" && strings.Contains(string(p.Payload), "Nothing to do") {
				posts++
			}
		}
		if posts != 1 {
			t.Errorf("the summary stands there %d times", posts)
		}
		allow()
	})
}
