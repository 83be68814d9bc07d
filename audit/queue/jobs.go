package queue

import (
	"context"

	"github.com/riverqueue/river"

	"mailaudit/audit"
)

// The arguments name things and hold nothing: they are stored, logged and shown by River's own tools.

type planArgs struct {
	Run string `json:"run"`
}

type verifyArgs struct {
	Run   string `json:"run"`
	Batch int    `json:"batch"`
}

type concludeArgs struct {
	Run string `json:"run"`
}

type recheckArgs struct {
	Notice int64 `json:"notice"`
}

type notifyArgs struct {
	Notice int64 `json:"notice"`
}

type postArgs struct {
	Run string `json:"run"`
}

func (planArgs) Kind() string     { return string(audit.TaskPlan) }
func (verifyArgs) Kind() string   { return string(audit.TaskVerify) }
func (concludeArgs) Kind() string { return string(audit.TaskConclude) }
func (recheckArgs) Kind() string  { return string(audit.TaskRecheck) }
func (notifyArgs) Kind() string   { return string(audit.TaskNotify) }
func (postArgs) Kind() string     { return string(audit.TaskPost) }

type planWorker struct {
	river.WorkerDefaults[planArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *planWorker) Work(ctx context.Context, job *river.Job[planArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskPlan, RunKey: job.Args.Run}, func() (bool, error) { return w.steps.Plan(ctx, job.Args.Run) })
}

type verifyWorker struct {
	river.WorkerDefaults[verifyArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *verifyWorker) Work(ctx context.Context, job *river.Job[verifyArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskVerify, RunKey: job.Args.Run, Batch: job.Args.Batch}, func() (bool, error) { return w.steps.Verify(ctx, job.Args.Run, job.Args.Batch) })
}

type concludeWorker struct {
	river.WorkerDefaults[concludeArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *concludeWorker) Work(ctx context.Context, job *river.Job[concludeArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskConclude, RunKey: job.Args.Run}, func() (bool, error) { return w.steps.Conclude(ctx, job.Args.Run) })
}

type recheckWorker struct {
	river.WorkerDefaults[recheckArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *recheckWorker) Work(ctx context.Context, job *river.Job[recheckArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskRecheck, Notice: job.Args.Notice}, func() (bool, error) { return false, w.steps.Recheck(ctx, job.Args.Notice) })
}

type notifyWorker struct {
	river.WorkerDefaults[notifyArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *notifyWorker) Work(ctx context.Context, job *river.Job[notifyArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskNotify, Notice: job.Args.Notice}, func() (bool, error) { return false, w.steps.Notify(ctx, job.Args.Notice) })
}

type postWorker struct {
	river.WorkerDefaults[postArgs]
	steps Steps
	ended func(audit.Task)
}

func (w *postWorker) Work(ctx context.Context, job *river.Job[postArgs]) error {
	return goOn(w.ended, audit.Task{Kind: audit.TaskPost, RunKey: job.Args.Run}, func() (bool, error) { return false, w.steps.Post(ctx, job.Args.Run) })
}

// goOn runs a step and says that it has ended. A step that used up its turn goes to the end of its queue.
func goOn(ended func(audit.Task), t audit.Task, step func() (more bool, err error)) error {
	defer ended(t)
	more, err := step()
	if err != nil {
		return err
	}
	if more {
		return river.JobSnooze(0)
	}
	return nil
}
