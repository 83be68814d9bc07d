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
