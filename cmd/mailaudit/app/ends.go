package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"mailaudit/audit"
)

// ends tells the watcher outside how the runs end that this process began, or took over from one that is gone:
// what run does at its own end.
type ends struct {
	*App
	watcher *deadMan
	open    map[string]bool // by key
	next    time.Time
}

// NewEnds watches no run yet.
func NewEnds(a *App) *ends {
	return &ends{App: a, watcher: a.newDeadMan(), open: map[string]bool{}}
}

// takeOver finds the runs that nobody works on.
func (e *ends) takeOver(ctx context.Context) error {
	runs, err := e.Store.ListRuns(ctx, RunsLookedAt, true)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if e.Alone() || !e.Store.WorkedOn(r, e.Now()) {
			e.open[r.Key] = true
		}
	}
	return nil
}

func (e *ends) began(ctx context.Context, key string) {
	e.open[key] = true
	e.watcher.started(ctx, key)
}

// look tells of runs that have ended. Of one that was interrupted nothing is told: another process goes on with
// it, and if none does, the watcher hears nothing and raises the alarm.
func (e *ends) look(ctx context.Context) {
	if time.Now().Before(e.next) {
		return
	}
	e.next = time.Now().Add(endsLooked)
	for _, key := range slices.Sorted(maps.Keys(e.open)) {
		ended, outcome, err := e.outcome(ctx, key)
		if err != nil {
			e.Log.Error("a run is not read; its watcher waits", "run", key, "err", err)
			continue
		}
		if ended {
			delete(e.open, key)
			e.watcher.ended(ctx, key, outcome)
		}
	}
}

// outcome is what run would exit with.
func (e *ends) outcome(ctx context.Context, key string) (ended bool, outcome, err error) {
	run, err := e.Store.LoadRun(ctx, key)
	if err != nil || run.Open() {
		return false, nil, err
	}
	if run.Status == audit.RunStopped {
		return true, fmt.Errorf("run %s was stopped: %s", key, run.StopReason), nil
	}
	if run.PostedAt.IsZero() {
		if e.Now().Sub(run.FinishedAt) > e.Config.DeliverWithin {
			return true, fmt.Errorf("the summary of run %s is not delivered", key), nil
		}
		return false, nil, nil
	}
	late, err := e.LateMails(ctx)
	if err != nil {
		return false, nil, err
	}
	return true, e.LateError(ctx, late), nil
}
