package queue

import (
	"testing"
	"time"

	"mailaudit/audit"
)

func TestWorkIsOfferedOnceWhileItsJobIsThere(t *testing.T) {
	p := &put{until: map[work]time.Time{}}
	start := time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return start.Add(d) }
	plan := audit.Task{Kind: audit.TaskPlan, RunKey: "r"}
	first := audit.Task{Kind: audit.TaskVerify, RunKey: "r", Batch: 1, Provider: "google"}
	doubtful := first
	doubtful.Doubtful = true // the same batch: its job is unique by run and number

	offered := func(at time.Duration, want int, tasks ...audit.Task) {
		t.Helper()
		if got := p.missing(tasks, after(at)); len(got) != want {
			t.Errorf("after %v %d of %d tasks were offered, want %d", at, len(got), len(tasks), want)
		}
	}
	offered(0, 2, plan, first)
	offered(time.Second, 0, plan, doubtful)
	p.forget(first) // it has ended
	offered(2*time.Second, 1, plan, first)
	offered(lostWithin, 1, plan, first) // the plan may have been lost
	offered(lostWithin, 0, plan, first)

	p.found(first, after(lostWithin))
	offered(lostWithin+overWithin, 1, plan, first)
	p.forget(first)
	p.found(first, after(lostWithin)) // too late: it has ended
	offered(lostWithin+overWithin, 1, plan, first)

	offered(lostWithin+overWithin, 0, plan) // what the agenda no longer names is not kept
	if len(p.until) != 1 {
		t.Errorf("%d tasks are remembered, want 1", len(p.until))
	}
}
