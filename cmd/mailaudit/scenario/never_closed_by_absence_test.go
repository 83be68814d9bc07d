package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

func TestIncidentEmptySourceClosesNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	for i := range 20 {
		s.done("accounts", "remove", fmt.Sprintf("a-%02d", i))
	}
	s.atNight(1)
	if o := s.do("run"); o.code != exit.Failed || !strings.Contains(o.stderr, "--accept-source") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if r := s.report(""); r.Run.Status != "stopped" {
		t.Errorf("run %+v", r.Run)
	}
	if n := len(s.summaries()); n != 2 {
		t.Errorf("%d summaries, want one for each run", n)
	}
	s.done("run", "--accept-source")
	if r := s.report(""); r.Run.Status != "concluded" || r.Run.Accounts != 4 {
		t.Errorf("run %+v", r.Run)
	}
}

// A few that are gone are more than the source may lose; so is a provider's last account, however few they were.
func TestIncidentShrunkenSourceStopsTheRun(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.done("accounts", "remove", "a-00")
	s.done("accounts", "remove", "a-01")
	s.atNight(1)
	s.fails(exit.Failed, "has lost 2 of the 24 mailboxes", "run")
	s.settings["guard"] = `{max_source_loss: 90%}`
	for i := 2; i < 20; i++ {
		s.done("accounts", "remove", fmt.Sprintf("a-%02d", i))
	}
	s.atNight(2)
	s.fails(exit.Failed, "has no Google mailbox any more", "run")
	s.nothingMailed()
}

// The window ends before all are asked: who was not reached is neither well nor gone.
func TestIncidentUnreachedIsNotRecovered(t *testing.T) {
	t.Parallel()
	s, google, _ := clinicBase(t)
	s.revoke(0, 2)
	s.atNight(1)
	s.done("run")
	told := len(s.recipients())
	google.SetMood(sim.Mood{AuthLatency: time.Second})
	s.settings["providers"] = `{google: {max_concurrency: 1}}`
	s.settings["window"] = "6s"
	s.atNight(2)
	s.done("run")
	if r := s.report(""); r.Changes.Recovered != 0 || r.Verdicts["unverified"] < 10 {
		t.Errorf("changes %+v, verdicts %v", r.Changes, r.Verdicts)
	}
	if n := len(s.recipients()); n != told {
		t.Errorf("%d mails more", n-told)
	}
	if text := s.done("explain", "a-19"); !strings.Contains(text, "not reached") {
		t.Errorf("explain: %s", text)
	}
}
