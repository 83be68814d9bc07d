package main

import (
	"context"

	"mailaudit/audit"
)

// liveSource shows runs as they are now: one that no process works on is incomplete, whatever a process
// that was killed has left in the store.
type liveSource struct {
	storage
	workedOn func(audit.Run) bool
}

func (s liveSource) LoadRun(ctx context.Context, key string) (audit.Run, error) {
	r, err := s.storage.LoadRun(ctx, key)
	return s.seen(r), err
}

func (s liveSource) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	runs, err := s.storage.ListRuns(ctx, limit, openOnly)
	for i := range runs {
		runs[i] = s.seen(runs[i])
	}
	return runs, err
}

func (s liveSource) seen(r audit.Run) audit.Run {
	if r.Status == audit.RunRunning && !s.workedOn(r) {
		r.Status = audit.RunIncomplete
	}
	return r
}

// workedOn tells whether a process works on the run.
func (a *app) workedOn(r audit.Run) bool { return a.store.workedOn(r, a.now()) }
