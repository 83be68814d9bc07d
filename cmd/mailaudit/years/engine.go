package years

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/queue"
)

// Engine works on what the agenda lists, as the queue does: without its tables and its polling. Steps of one process
// follow each other, in an order that chance decides.
type Engine struct {
	opts   queue.Options
	pick   *rand.Rand
	wake   chan struct{}
	quit   chan struct{}
	done   chan struct{}
	once   sync.Once
	cancel context.CancelFunc
	failed map[audit.Task]*failure
}

// failure is a step that is tried again later, as a job is.
type failure struct {
	times int
	until time.Time
}

// NewEngine makes an engine of a process.
func (w *World) NewEngine(p *Process, opts queue.Options) *Engine {
	return &Engine{
		opts: opts, pick: w.chance("engine", p.Seed), wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		failed: map[audit.Task]*failure{},
	}
}

// Start begins to work.
func (e *Engine) Start(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	go e.loop(work)
	return nil
}

// Stop lets the step under way end until ctx ends, then cancels it and waits.
func (e *Engine) Stop(ctx context.Context) error {
	e.once.Do(func() { close(e.quit) })
	select {
	case <-e.done:
	case <-ctx.Done():
		e.cancel()
		<-e.done
	}
	e.cancel()
	return nil
}

// Wake has the agenda read at once.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) loop(ctx context.Context) {
	defer close(e.done)
	time.Sleep(time.Millisecond) // apart from whatever else the process does every so often
	tick := time.NewTicker(e.opts.Every)
	defer tick.Stop()
	for {
		worked := e.turn(ctx)
		select {
		case <-e.quit:
			return
		default:
		}
		if worked {
			continue
		}
		select {
		case <-e.quit:
			return
		case <-tick.C:
		case <-e.wake:
		}
	}
}

// turn reads the agenda and does its tasks. It returns false where there is nothing to be done now.
func (e *Engine) turn(ctx context.Context) bool {
	tasks, err := e.opts.Agenda(ctx)
	if err != nil {
		return false
	}
	now := time.Now()
	tasks = slices.DeleteFunc(tasks, func(t audit.Task) bool {
		f := e.failed[t]
		return f != nil && now.Before(f.until)
	})
	e.pick.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	for _, t := range tasks {
		select {
		case <-e.quit:
			return false
		default:
		}
		e.work(ctx, t)
	}
	return len(tasks) > 0
}

// work does a task, and notes when it may be tried again.
func (e *Engine) work(ctx context.Context, t audit.Task) {
	now := time.Now()
	if err := e.do(ctx, t); err == nil {
		delete(e.failed, t)
		if time.Now().Equal(now) {
			e.failed[t] = &failure{until: now.Add(1)} // should it be listed again, nothing has come of it
		}
		return
	}
	f := e.failed[t]
	if f == nil {
		f = &failure{}
		e.failed[t] = f
	}
	f.until = now.Add(min(time.Minute, time.Second<<min(f.times, 6)))
	f.times++
}

func (e *Engine) do(ctx context.Context, t audit.Task) (err error) {
	s := e.opts.Steps
	ctx, cancel := context.WithTimeout(ctx, max(time.Minute, e.opts.Conversation+30*time.Second))
	defer cancel()
	switch t.Kind {
	case audit.TaskPlan:
		_, err = s.Plan(ctx, t.RunKey)
	case audit.TaskVerify:
		_, err = s.Verify(ctx, t.RunKey, t.Batch)
	case audit.TaskConclude:
		_, err = s.Conclude(ctx, t.RunKey)
	case audit.TaskRecheck:
		err = s.Recheck(ctx, t.Notice)
	case audit.TaskNotify:
		err = s.Notify(ctx, t.Notice)
	case audit.TaskPost:
		err = s.Post(ctx, t.RunKey)
	}
	return err
}
