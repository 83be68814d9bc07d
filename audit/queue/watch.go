package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"

	"github.com/riverqueue/river/rivertype"

	"mailaudit/audit"
)

// watch tells Options.Failed of each job that failed, and Options.Done of the others. A panic is a failure like any
// other: its value may hold anything, so its type alone is told and stored.
func (e *Engine[TTx]) watch(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			e.opts.Log.Error("job broke off", "job", job.Kind, "id", job.ID, "panic", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			err = fmt.Errorf("broke off: panic (%T)", value)
		}
		switch {
		case err == nil || errors.Is(err, (*rivertype.JobSnoozeError)(nil)):
			if e.opts.Done != nil {
				e.opts.Done(taskOf(job))
			}
		case errors.Is(ctx.Err(), context.Canceled): // we are being stopped
		case e.opts.Failed != nil:
			e.opts.Failed(taskOf(job), inARow(job.Errors, err), err)
		}
	}()
	return work(ctx)
}

// taskOf is the task that a job stands for, but for what its arguments do not name.
func taskOf(job *rivertype.JobRow) audit.Task {
	var args struct {
		Run    string `json:"run"`
		Batch  int    `json:"batch"`
		Notice int64  `json:"notice"`
	}
	_ = json.Unmarshal(job.EncodedArgs, &args) // what is missing is not named
	return audit.Task{Kind: audit.TaskKind(job.Kind), RunKey: args.Run, Batch: args.Batch, Notice: args.Notice}
}

// inARow is how often a job has failed with such an error without another in between, this time included. River keeps
// a job's errors with it, so that restarts and other processes count.
func inARow(before []rivertype.AttemptError, err error) int {
	times := 1
	for i := len(before) - 1; i >= 0 && alike(before[i].Error) == alike(err.Error()); i-- {
		times++
	}
	return times
}

var digits = regexp.MustCompile(`[0-9]+`)

// alike is an error's text without what varies from try to try: ports, durations, numbers.
func alike(text string) string { return digits.ReplaceAllString(text, "0") }
