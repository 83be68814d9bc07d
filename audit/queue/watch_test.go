package queue

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"mailaudit/audit"
)

func TestFailuresInARow(t *testing.T) {
	before := func(texts ...string) (all []rivertype.AttemptError) {
		for _, text := range texts {
			all = append(all, rivertype.AttemptError{Error: text})
		}
		return all
	}
	refused := errors.New("settle run k: refused (SQLSTATE P0001)")
	for _, tt := range []struct {
		before []rivertype.AttemptError
		err    error
		want   int
	}{
		{nil, refused, 1},
		{before(refused.Error(), refused.Error()), refused, 3},
		{before(refused.Error(), "unexpected EOF", refused.Error()), refused, 2},
		{before(refused.Error(), "unexpected EOF"), refused, 1},
		{before("read tcp 127.0.0.1:40112->127.0.0.1:5432: reset after 12ms"), errors.New("read tcp 127.0.0.1:9->127.0.0.1:5432: reset after 7ms"), 2},
	} {
		if got := inARow(tt.before, tt.err); got != tt.want {
			t.Errorf("%v after %v: %d in a row, want %d", tt.err, tt.before, got, tt.want)
		}
	}
}

// Every end of a job is told, also that of one that breaks off, whose value nobody sees.
func TestEveryEndOfAJobIsTold(t *testing.T) {
	var said bytes.Buffer
	var failed, done []audit.Task
	e := &Engine[any]{opts: Options{
		Log:    slog.New(slog.NewTextHandler(&said, nil)),
		Failed: func(t audit.Task, _ int, _ error) { failed = append(failed, t) },
		Done:   func(t audit.Task) { done = append(done, t) },
	}}
	job := &rivertype.JobRow{Kind: "verify_batch", EncodedArgs: []byte(`{"run":"k","batch":3}`)}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		what         string
		ctx          context.Context
		work         func(context.Context) error
		failed, done int
		fails        bool
	}{
		{"success", t.Context(), func(context.Context) error { return nil }, 0, 1, false},
		{"used up its turn", t.Context(), func(context.Context) error { return river.JobSnooze(0) }, 0, 1, true},
		{"failure", t.Context(), func(context.Context) error { return errors.New("refused") }, 1, 0, true},
		{"panic", t.Context(), func(context.Context) error { panic("hunter2") }, 1, 0, true},
		{"a stop", stopped, func(ctx context.Context) error { return ctx.Err() }, 0, 0, true},
	} {
		failed, done = nil, nil
		err := e.watch(tt.ctx, job, tt.work)
		if len(failed) != tt.failed || len(done) != tt.done || (err != nil) != tt.fails {
			t.Errorf("%s: %v, failed %v, done %v", tt.what, err, failed, done)
		}
		for _, task := range append(failed, done...) {
			if task != (audit.Task{Kind: audit.TaskVerify, RunKey: "k", Batch: 3}) {
				t.Errorf("%s: task %+v", tt.what, task)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") || strings.Contains(said.String(), "hunter2") {
			t.Errorf("%s: the value of a panic is told", tt.what)
		}
	}
}

// The agenda is read several times a second: a moment without a database is no ten failures.
func TestAgendaIsStuckAfterMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		most, done := 0, 0
		e := &Engine[any]{opts: Options{
			Failed: func(_ audit.Task, n int, _ error) { most = max(most, n) },
			Done:   func(audit.Task) { done++ },
		}}
		fail := func(d time.Duration, err error) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
				e.watchAgenda(t.Context(), err)
			}
		}
		away := errors.New("connection refused")
		fail(20*time.Second, away)
		if most != 1 {
			t.Errorf("%d failures within a moment", most)
		}
		fail(4*time.Minute, away)
		if most >= 10 {
			t.Errorf("%d failures within four minutes", most)
		}
		fail(time.Minute, away)
		if most < 10 {
			t.Errorf("%d failures within five minutes", most)
		}
		e.watchAgenda(t.Context(), nil)
		e.watchAgenda(t.Context(), nil)
		if done != 1 {
			t.Errorf("its end is told %d times", done)
		}
		most = 0
		fail(time.Second, away)
		if most != 1 {
			t.Errorf("it goes on at %d", most)
		}
	})
}
