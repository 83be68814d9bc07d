package pace

import (
	"testing"
	"time"
)

func TestBreakerStates(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	var b breaker
	expect := func(what string, ok, probe bool, wait time.Duration) {
		t.Helper()
		if o, p, w := b.admit(now); o != ok || p != probe || w != wait {
			t.Errorf("%s: %v %v %s, want %v %v %s", what, o, p, w, ok, probe, wait)
		}
	}
	for range unreachableRun - 1 {
		b.unreachable(now, false)
	}
	b.reached() // an answer in between ends the run
	for range unreachableRun - 1 {
		b.unreachable(now, false)
	}
	expect("short of the run", true, false, 0)
	b.unreachable(now, false)
	expect("open", false, false, breakerDelay)
	now = now.Add(breakerDelay - time.Second)
	b.unreachable(now, false) // a straggler does not prolong it
	expect("still open", false, false, time.Second)
	now = now.Add(time.Second)
	expect("due", true, true, 0)
	expect("beside the probe", false, false, 0)
	b.unreachable(now, true)
	expect("after a failed probe", false, false, breakerDelay)
	now = now.Add(breakerDelay)
	expect("due again", true, true, 0)
	b.unknown(false)
	expect("a straggler was cancelled", false, false, 0)
	b.unknown(true)
	expect("the probe was cancelled", true, true, 0)
	b.reached()
	expect("closed", true, false, 0)
}
