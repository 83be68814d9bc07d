package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"time"

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

// Agenda is the step of reading what is to be done. It is no job and is tried several times a second.
const Agenda audit.TaskKind = "read_agenda"

// agendaAgain is how long a failure of the agenda stands for those that follow: ten of them are as long as ten of a job.
const agendaAgain = 30 * time.Second

// agendaWatch is how the agenda has failed of late.
type agendaWatch struct {
	inARow int
	err    error
	next   time.Time // when a failure counts again
}

func (e *Engine[TTx]) watchAgenda(ctx context.Context, err error) {
	w, task := &e.unread, audit.Task{Kind: Agenda}
	switch {
	case ctx.Err() != nil:
	case err == nil:
		if w.inARow > 0 && e.opts.Done != nil {
			e.opts.Done(task)
		}
		*w = agendaWatch{}
	case time.Now().Before(w.next):
	default:
		if w.err == nil || alike(w.err.Error()) != alike(err.Error()) {
			w.inARow = 0
		}
		w.inARow, w.err, w.next = w.inARow+1, err, time.Now().Add(agendaAgain)
		if e.opts.Failed != nil {
			e.opts.Failed(task, w.inARow, err)
		}
	}
}
