package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/queue"
	"mailaudit/report/slack"
)

// StuckAfter is how often in a row a step fails with the same error before it is stuck.
var StuckAfter = 10

const (
	// failsFor is how long a failure counts without another: longer than the longest pause before the next try.
	failsFor = 5 * time.Minute
	// alarmWithin bounds the posting of an alarm.
	alarmWithin = time.Minute
	alarmFact   = "alarm/"
)

// step is what a task is about.
type step struct {
	kind   audit.TaskKind
	run    string
	batch  int
	notice int64
}

func stepOf(t audit.Task) step { return step{t.Kind, t.RunKey, t.Batch, t.Notice} }

// failure is how a step failed last, and since when it has.
type failure struct {
	inARow    int
	err       error
	at, since time.Time
}

// failing are the steps that failed in this process and have not succeeded since. The count goes over all processes.
type failing struct {
	mu    sync.Mutex
	steps map[step]failure
}

func (f *failing) note(s step, inARow int, err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.steps == nil {
		f.steps = map[step]failure{}
	}
	since := now
	if before, fails := f.steps[s]; fails && now.Sub(before.at) < failsFor {
		since = before.since
	}
	f.steps[s] = failure{inARow, err, now, since}
}

func (f *failing) done(s step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.steps, s)
}

// worst is a run's failure that came most often in a row; the zero value if nothing of the run fails.
func (f *failing) worst(run string, now time.Time) (of step, worst failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s, last := range f.steps {
		if s.run == run && now.Sub(last.at) < failsFor && last.inARow > worst.inARow {
			of, worst = s, last
		}
	}
	return of, worst
}

// stuck counts the steps that are stuck, by kind. What has not failed for a while is another process's by now, or over.
func (f *failing) stuck(now time.Time) map[audit.TaskKind]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[audit.TaskKind]int{}
	for s, last := range f.steps {
		switch {
		case now.Sub(last.at) >= failsFor:
			delete(f.steps, s)
		case last.inARow >= StuckAfter:
			counts[s.kind]++
		}
	}
	return counts
}

// alarms are raised once for a step of a run, over all processes that its database serves.
type alarms struct {
	mu     sync.Mutex
	raised map[string]bool // by run and kind of step: in this process
	under  sync.WaitGroup
}

func (a *alarms) begin(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.raised[name] {
		return false
	}
	if a.raised == nil {
		a.raised = map[string]bool{}
	}
	a.raised[name] = true
	return true
}

func (a *alarms) again(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.raised, name)
}

// failed is told of a step that failed.
func (n *Worker) failed(t audit.Task, inARow int, err error) {
	s := stepOf(t)
	n.failing.note(s, inARow, err, time.Now())
	if inARow < StuckAfter {
		return
	}
	name := s.run + "/" + string(s.kind)
	if !n.alarms.begin(name) {
		return
	}
	n.alarms.under.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), alarmWithin)
		defer cancel()
		if err := n.raise(ctx, s, inARow, err); err != nil {
			n.Log.Error("the alarm is not posted", "step", string(s.kind), "run", s.run, "err", err)
			n.alarms.again(name)
		}
	})
}

// GaveUp raises the alarm for a run that [Worker.GivenUp] has given up, unless it was raised: nobody else would hear of it.
func (n *Worker) GaveUp(ctx context.Context, key string, cause error) {
	s, worst := n.failing.worst(key, time.Now())
	if worst.inARow == 0 {
		s, worst = step{kind: audit.TaskConclude, run: key}, failure{inARow: 1, err: cause}
	}
	if !n.alarms.begin(s.run + "/" + string(s.kind)) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmWithin)
	defer cancel()
	if err := n.raise(ctx, s, worst.inARow, worst.err); err != nil {
		n.Log.Error("the alarm is not posted", "step", string(s.kind), "run", key, "err", err)
	}
}

// succeeded is told of a step that did not fail.
func (n *Worker) succeeded(t audit.Task) {
	s := stepOf(t)
	n.failing.done(s)
	if s.run == "" {
		n.alarms.again("/" + string(s.kind))
	}
}

// raise posts an alarm, unless another process has. It is posted whether or not the run can be concluded.
func (n *Worker) raise(ctx context.Context, s step, inARow int, cause error) error {
	n.Log.Error("a step is stuck", "step", string(s.kind), "run", s.run, "in_a_row", inARow, "err", cause)
	run := s.run
	if s.notice != 0 {
		if of, err := n.Store.LoadNotice(ctx, s.notice); err == nil {
			run = of.RunKey
		}
	}
	fact := alarmFact + string(s.kind)
	if run != "" {
		if raised, err := n.Store.Facts(ctx, run, fact); err == nil && raised[fact] != "" {
			return nil
		}
	}
	n.HandOver(ctx)
	if n.Publisher.slack == nil {
		return nil
	}
	if err := n.Publisher.slack.Alarm(ctx, n.alarm(s, run, inARow, cause)); err != nil {
		return err
	}
	if run == "" {
		return nil
	}
	_, err := n.Store.KeepFact(ctx, run, fact, n.Now().UTC().Format(time.RFC3339))
	if err != nil {
		n.Log.Error("the alarm may be posted again by another process", "run", run, "err", err)
	}
	return nil
}

// steps are the kinds of steps that can be stuck, and stepNames what operations call them.
var steps = []audit.TaskKind{
	audit.TaskPlan, audit.TaskVerify, audit.TaskConclude, audit.TaskRecheck, audit.TaskNotify, audit.TaskPost, queue.Agenda,
}

var stepNames = map[audit.TaskKind]string{
	audit.TaskPlan:     "the planning",
	audit.TaskVerify:   "the checks",
	audit.TaskConclude: "the conclusion",
	audit.TaskRecheck:  "the re-checks before e-mails leave",
	audit.TaskNotify:   "the e-mails",
	audit.TaskPost:     "the summary",
	queue.Agenda:       "what keeps due work from being read",
}

// alarm is what operations read. An error's text may hold anything, so the alarm has its code alone.
func (n *Worker) alarm(s step, run string, inARow int, cause error) slack.Alarm {
	what, part := cmp.Or(stepNames[s.kind], string(s.kind)), "it"
	switch {
	case s.batch > 0:
		part = fmt.Sprintf("batch %d", s.batch)
	case s.notice > 0:
		part = fmt.Sprintf("M-%d", s.notice)
	}
	if run != "" {
		what += " of run " + run
	}
	why := fmt.Sprintf("%s failed %d times in a row with the same error", part, inARow)
	if inARow < StuckAfter {
		why = fmt.Sprintf("the run gave up %v after its window, for nothing could be written", awayAtMost)
	}
	if code := n.code(cause); code != "" {
		why += " (" + code + ")"
	}
	return slack.Alarm{
		Run: run, What: "Fix " + what, Command: "doctor",
		Why: why + ". The log has the error. Other runs go on, and this goes on by itself once the cause is gone",
	}
}

// code is what an error may be called where anybody reads; "" if it has no name of that kind.
func (n *Worker) code(err error) string {
	var refused *slack.Error
	switch {
	case errors.As(err, &refused) && refused.Answered():
		return "Slack: " + refused.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "it takes too long"
	}
	for _, of := range []audit.Blaming{n.Store, n.Source} {
		if b, code := of.Blame(err); code != "" || b == audit.BlameAway {
			return cmp.Or(code, "the database is away")
		}
	}
	return ""
}

// passed reports whether later runs go on beside an open one: a step of it is stuck, or its window has ended and it
// still fails.
func (n *Worker) passed(run audit.Run) bool {
	_, worst := n.failing.worst(run.Key, time.Now())
	return worst.inARow >= StuckAfter || worst.inARow > 0 && !n.Now().Before(run.Deadline)
}

// GivenUp is the error of a run whose window has ended and that still cannot be concluded; nil while it may be. That is
// so once a step is stuck, or has failed for as long as a run waits for its database, or nobody has been able to write
// for so long that the run is worked on.
func (n *Worker) GivenUp(run audit.Run) error {
	over := n.Now().Sub(run.Deadline)
	if over < 0 {
		return nil
	}
	now := time.Now()
	s, worst := n.failing.worst(run.Key, now)
	if worst.inARow == 0 && over > awayAtMost && n.Now().Sub(run.HeartbeatAt) > awayAtMost && now.Sub(n.started) > awayAtMost {
		return fmt.Errorf("run %s %w: nothing of it could be written for %v; make the database writable (is its disk full?), then mailaudit run --key %s",
			run.Key, ErrStuck, awayAtMost, run.Key)
	}
	if worst.inARow < StuckAfter && (worst.inARow == 0 || now.Sub(worst.since) < awayAtMost) {
		return nil
	}
	return fmt.Errorf("run %s %w: %s failed %d times in a row: %w; fix that, then mailaudit run --key %s",
		run.Key, ErrStuck, s.kind, worst.inARow, worst.err, run.Key)
}

// ErrStuck: a run cannot be concluded, and no other waits for it.
var ErrStuck = errors.New("is stuck")
