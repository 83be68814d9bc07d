package app

import (
	"errors"
	"testing"
	"time"

	"mailaudit/audit"
)

func TestFailingSteps(t *testing.T) {
	var f failing
	now := time.Now()
	batch := func(n int) step { return step{kind: audit.TaskVerify, run: "k", batch: n} }
	conclude := step{kind: audit.TaskConclude, run: "old"}
	f.note(batch(1), StuckAfter-1, errors.New("refused"), now)
	f.note(batch(2), 2, errors.New("refused"), now)
	f.note(conclude, StuckAfter, errors.New("refused"), now)
	check := func(what string, at time.Time, verify, concluded int, worstOf string, worst int) {
		t.Helper()
		if got := f.stuck(at); got[audit.TaskVerify] != verify || got[audit.TaskConclude] != concluded {
			t.Errorf("%s: stuck are %v", what, got)
		}
		if _, got := f.worst(worstOf, at); got.inARow != worst {
			t.Errorf("%s: worst of %s is %+v", what, worstOf, got)
		}
	}
	check("at first", now, 0, 1, "k", StuckAfter-1)
	f.note(batch(1), StuckAfter, errors.New("refused"), now)
	f.note(batch(2), StuckAfter+1, errors.New("refused"), now)
	check("two more", now, 2, 1, "k", StuckAfter+1)
	f.done(batch(2)) // another batch's success says nothing of the first
	check("one succeeds", now, 1, 1, "k", StuckAfter)
	check("another run", now, 1, 1, "fine", 0)
	check("nothing was heard of it for long", now.Add(failsFor), 0, 0, "k", 0)
}

// An alarm is raised once for a step of a run; where it could not be posted, once more.
func TestAlarmsAreRaisedOnce(t *testing.T) {
	var a alarms
	if !a.begin("k/conclude_run") || a.begin("k/conclude_run") || !a.begin("l/conclude_run") {
		t.Error("an alarm is not raised once")
	}
	a.again("k/conclude_run")
	if !a.begin("k/conclude_run") {
		t.Error("an alarm that was not posted is not tried again")
	}
}

// After its window a run waits for its database for so long, and then ends with an error whatever is away.
func TestARunIsGivenUpSomeTimeAfterItsWindow(t *testing.T) {
	now := time.Now()
	conclude := step{kind: audit.TaskConclude, run: "k"}
	for _, tt := range []struct {
		what    string
		over    time.Duration // since the window's end
		beaten  time.Duration // since anybody could write that the run is worked on
		started time.Duration // since this process began
		fails   []time.Duration
		inARow  int
		want    bool
	}{
		{"within the window", -time.Minute, time.Hour, time.Hour, []time.Duration{time.Second}, StuckAfter, false},
		{"a step is stuck", time.Second, 0, time.Hour, []time.Duration{time.Second}, StuckAfter, true},
		{"a step fails for a while", time.Minute, 0, time.Hour, []time.Duration{2 * time.Minute, 0}, 3, false},
		{"a step fails for long", awayAtMost, 0, time.Hour, []time.Duration{awayAtMost + time.Second, 2 * time.Minute, 0}, 5, true},
		{"a step failed long ago and again now", time.Hour, 0, time.Hour, []time.Duration{time.Hour, 0}, 2, false},
		{"the conclusion takes its time", time.Hour, time.Second, time.Hour, nil, 0, false},
		{"nobody can write", awayAtMost + time.Second, awayAtMost + time.Minute, time.Hour, nil, 0, true},
		{"nobody could write, and it has just been started again", time.Hour, time.Hour, time.Second, nil, 0, false},
	} {
		n := &Worker{App: &App{Setup: &Setup{Now: func() time.Time { return now }}}, started: now.Add(-tt.started)}
		for _, ago := range tt.fails {
			n.failing.note(conclude, tt.inARow, errors.New("disk full"), now.Add(-ago))
		}
		err := n.GivenUp(audit.Run{Key: "k", Deadline: now.Add(-tt.over), HeartbeatAt: now.Add(-tt.beaten)})
		if errors.Is(err, ErrStuck) != tt.want {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
}
