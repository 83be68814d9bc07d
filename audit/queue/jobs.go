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

type notifyArgs struct {
	Notice int64 `json:"notice"`
}

type postArgs struct {
	Run string `json:"run"`
}

func (planArgs) Kind() string     { return string(audit.TaskPlan) }
func (verifyArgs) Kind() string   { return string(audit.TaskVerify) }
func (concludeArgs) Kind() string { return string(audit.TaskConclude) }
func (notifyArgs) Kind() string   { return string(audit.TaskNotify) }
func (postArgs) Kind() string     { return string(audit.TaskPost) }

type planWorker struct {
	river.WorkerDefaults[planArgs]
	steps Steps
	again func()
}

func (w *planWorker) Work(ctx context.Context, job *river.Job[planArgs]) error {
	return goOn(w.again, func() (bool, error) { return w.steps.Plan(ctx, job.Args.Run) })
}

type verifyWorker struct {
	river.WorkerDefaults[verifyArgs]
	steps Steps
	again func()
}

func (w *verifyWorker) Work(ctx context.Context, job *river.Job[verifyArgs]) error {
	return goOn(w.again, func() (bool, error) { return w.steps.Verify(ctx, job.Args.Run, job.Args.Batch) })
}

type concludeWorker struct {
	river.WorkerDefaults[concludeArgs]
	steps Steps
	again func()
}

func (w *concludeWorker) Work(ctx context.Context, job *river.Job[concludeArgs]) error {
	return goOn(w.again, func() (bool, error) { return w.steps.Conclude(ctx, job.Args.Run) })
}

type notifyWorker struct {
	river.WorkerDefaults[notifyArgs]
	steps Steps
	again func()
}

func (w *notifyWorker) Work(ctx context.Context, job *river.Job[notifyArgs]) error {
	return goOn(w.again, func() (bool, error) { return false, w.steps.Notify(ctx, job.Args.Notice) })
}

type postWorker struct {
	river.WorkerDefaults[postArgs]
	steps Steps
	again func()
}

func (w *postWorker) Work(ctx context.Context, job *river.Job[postArgs]) error {
	return goOn(w.again, func() (bool, error) { return false, w.steps.Post(ctx, job.Args.Run) })
}

// goOn runs a step and has the agenda read when it ends: what comes next is mostly there already. A step
// that used up its turn goes to the end of its queue.
func goOn(again func(), step func() (more bool, err error)) error {
	defer again()
	more, err := step()
	if err != nil {
		return err
	}
	if more {
		return river.JobSnooze(0)
	}
	return nil
}
