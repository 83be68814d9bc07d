package main

import (
	"context"

	"mailaudit/audit"
	"mailaudit/audit/sqlite"
)

// liveSource shows runs as they are now: one that no process works on is incomplete, whatever a process
// that was killed has left in the store.
type liveSource struct {
	*sqlite.Store
	workedOn func(audit.Run) bool
}

func (s liveSource) LoadRun(ctx context.Context, key string) (audit.Run, error) {
	r, err := s.Store.LoadRun(ctx, key)
	return s.seen(r), err
}

func (s liveSource) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	runs, err := s.Store.ListRuns(ctx, limit, openOnly)
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

// workedOn tells whether a process works on the run: on SQLite, whether one holds the database's lock.
func (a *app) workedOn(audit.Run) bool {
	unlock, err := sqlite.Lock(a.config.Database.Path)
	if err != nil {
		return true
	}
	unlock()
	return false
}
