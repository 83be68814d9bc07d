package night

import (
	"context"
	"time"

	"mailaudit/audit"
)

// runStore is what this file needs of the store. The contracts are in package audit.
type runStore interface {
	Reopen(ctx context.Context, key string) error
	Prolong(ctx context.Context, key string, deadline time.Time) error
	StartRun(ctx context.Context, r audit.Run) (audit.Run, bool, error)
	OpenBatches(ctx context.Context, key string) ([]audit.Batch, error)
	NextBatches(ctx context.Context, key string, now time.Time, each int) (due []audit.Batch, open bool, err error)
}

// Begin starts the run that r names, or joins it if it exists.
func (a *Auditor) Begin(ctx context.Context, key string, scope audit.Scope) (audit.Run, bool, error) {
	now := a.Now()
	run, created, err := a.Ledger.StartRun(ctx, audit.Run{Key: key, Scope: scope, StartedAt: now, Deadline: now.Add(a.Policy.Window)})
	if err != nil {
		return run, false, err
	}
	if created {
		a.Log.Info("run started", "run", key)
	}
	return run, created, nil
}

// batchesAhead is how many batches of a provider are queued at a time, so that a million accounts do not
// become a million rows of jobs at once.
const batchesAhead = 20

// RunTasks lists what a run needs next. It reads the run's own state, so that work which a crash or the
// queue's housekeeping lost is found again.
func (a *Auditor) RunTasks(ctx context.Context, run audit.Run) ([]audit.Task, error) {
	if !run.Open() {
		if run.PostedAt.IsZero() {
			return []audit.Task{{Kind: audit.TaskPost, RunKey: run.Key}}, nil
		}
		return nil, nil
	}
	now := a.Now()
	if run.Phase == audit.PhaseConcluding || !now.Before(run.Deadline) {
		return []audit.Task{{Kind: audit.TaskConclude, RunKey: run.Key}}, nil
	}
	if run.Phase == audit.PhasePlanning {
		return []audit.Task{{Kind: audit.TaskPlan, RunKey: run.Key}}, nil
	}
	due, open, err := a.nextBatches(ctx, run, now)
	if err != nil {
		return nil, err
	}
	if ready, err := a.preflighted(ctx, run.Key); err != nil || !ready {
		return []audit.Task{{Kind: audit.TaskPlan, RunKey: run.Key}}, err
	}
	if !open {
		return []audit.Task{{Kind: audit.TaskConclude, RunKey: run.Key}}, nil
	}
	tasks := make([]audit.Task, len(due))
	for i, b := range due {
		tasks[i] = audit.Task{Kind: audit.TaskVerify, RunKey: run.Key, Batch: b.N, Provider: b.Provider, Doubtful: b.Doubtful}
	}
	return tasks, nil
}

// nextBatches are those that can be worked on now. open reports whether any is not closed yet, due or not.
func (a *Auditor) nextBatches(ctx context.Context, run audit.Run, now time.Time) (due []audit.Batch, open bool, err error) {
	due, open, err = a.Ledger.NextBatches(ctx, run.Key, now, batchesAhead)
	if err != nil || !a.batches.any(run.Key) {
		return due, open, err
	}
	all, err := a.Ledger.OpenBatches(ctx, run.Key)
	return a.batches.left(run.Key, due), len(a.batches.left(run.Key, all)) > 0, err
}

// Resume has a stopped run go on under its key: our own side is looked at once more. Where its window has
// passed, it gets a new one.
func (a *Auditor) Resume(ctx context.Context, run audit.Run) error {
	if err := a.Ledger.Reopen(ctx, run.Key); err != nil {
		return err
	}
	if now := a.Now(); !now.Before(run.Deadline) {
		return a.Ledger.Prolong(ctx, run.Key, now.Add(a.Policy.Window))
	}
	return nil
}
