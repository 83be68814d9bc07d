package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mailaudit/audit"
)

// Daemon is a night that does not end: it works on whatever is queued, and starts a run at each slot.
type Daemon struct {
	*Worker
	Slots Slots
	Ends  *ends

	ticked  atomic.Int64 // nanoseconds of the epoch: when the loop last came by
	settled time.Time    // the last slot that has its run
	passed  time.Time    // the last slot of which the log knows that it waits
	resume  time.Time    // when a start that failed is tried again

	eventsRefused atomic.Bool // the receiver of events took none since the log said so
}

const (
	lookAgain  = time.Second      // after a slot that must wait for the run before it
	tryAgain   = 10 * time.Second // after a failure
	startsIn   = time.Minute      // bounds one try to start a run
	endsLooked = 2 * time.Second  // how often is looked whether a run has ended
)

// Serve works until the context ends or the listener at metrics.listen fails.
func (d *Daemon) Serve(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d.ticked.Store(time.Now().UnixNano())
	closeDoor, err := d.startHTTP(ctx, fail)
	if err != nil {
		return errors.Join(err, d.closeDispatcher())
	}
	defer closeDoor()
	closeAPI, err := d.startAPI(ctx, fail)
	if err != nil {
		return errors.Join(err, d.closeDispatcher())
	}
	defer closeAPI()
	if err := d.Patient(ctx, d.Ends.takeOver); err != nil {
		return errors.Join(err, d.closeDispatcher())
	}
	d.sayNext(d.Now())
	product, err := d.webhooks()
	if err != nil {
		return errors.Join(err, d.closeDispatcher())
	}
	var beside sync.WaitGroup
	beside.Go(func() { d.tellEvents(ctx, product) })
	beside.Go(func() { d.watch(ctx) })
	beside.Go(func() {
		if err := d.takeClicks(ctx); err != nil {
			fail(err)
		}
	})
	err = d.Work(ctx, d.tick)
	fail(err) // what goes on beside ends, whatever ended the work
	beside.Wait()
	return errors.Join(err, d.handBack(context.WithoutCancel(ctx)))
}

// handBack marks what this process worked on as incomplete. Where others work on it too, their next beat says so.
func (d *Daemon) handBack(ctx context.Context) error {
	open, err := d.Store.ListRuns(ctx, RunsLookedAt, true)
	if err != nil {
		return err
	}
	var failed error
	for _, run := range open {
		failed = errors.Join(failed, d.Store.Interrupt(ctx, run.Key))
	}
	return failed
}

// tick is one turn of the loop. A failure is logged and tried again: what was lost may come back.
func (d *Daemon) tick(ctx context.Context) (finished bool, err error) {
	d.ticked.Store(time.Now().UnixNano())
	if err := d.look(ctx); err != nil && ctx.Err() == nil {
		d.resume = time.Now().Add(tryAgain)
		d.Log.Error("the night's run is not started, it is tried again", "err", err, "in", tryAgain)
	}
	d.Ends.look(ctx)
	return false, nil
}

// look starts a run if a slot calls for one.
func (d *Daemon) look(ctx context.Context) error {
	if time.Now().Before(d.resume) {
		return nil
	}
	due, ok := d.Slots.due(d.Now(), time.Time{})
	if !ok || due.At.Equal(d.settled) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startsIn)
	defer cancel()
	started, err := d.start(ctx, due)
	if err != nil {
		return err
	}
	if !started {
		d.resume = time.Now().Add(lookAgain)
		return nil
	}
	d.settled = due.At
	d.sayNext(d.Now())
	return nil
}

// start has the slot's run begun, by this process or another. false: it must wait, since a run of the whole
// source began too short a time ago.
func (d *Daemon) start(ctx context.Context, due slot) (bool, error) {
	key := due.key(d.Config.Window)
	before, err := d.lastStart(ctx) // first: what another process begins meanwhile is then the slot's own
	if err != nil {
		return false, err
	}
	run, err := d.Store.LoadRun(ctx, key)
	if err == nil {
		d.Log.Info("the slot has its run already", "run", key, "slot", due.At, "status", string(run.Status))
		return true, nil
	}
	if !errors.Is(err, audit.ErrNoRun) {
		return false, err
	}
	if _, now := d.Slots.due(d.Now(), before); !now {
		if !due.At.Equal(d.passed) {
			d.passed = due.At
			d.Log.Warn("the slot waits: a run of all accounts began not long ago", "slot", due.At, "run_began", before, "least_between", betweenNights)
		}
		return false, nil
	}
	if err := d.MayBegin(ctx); err != nil {
		return false, err
	}
	if err := d.ExpireOlder(ctx, key); err != nil {
		return false, err
	}
	_, created, err := d.Auditor.Night.Begin(ctx, key, audit.Scope{})
	if err != nil {
		return false, err
	}
	if created {
		d.Ends.began(ctx, key)
	}
	d.engine.Wake()
	return true, nil
}

// lastStart is when the latest run of the whole source began.
func (d *Daemon) lastStart(ctx context.Context) (time.Time, error) {
	runs, err := d.Store.ListRuns(ctx, RunsLookedAt, false)
	if err != nil {
		return time.Time{}, err
	}
	var last time.Time
	for _, r := range runs {
		if r.Scope.Whole() && r.StartedAt.After(last) {
			last = r.StartedAt
		}
	}
	return last, nil
}

func (d *Daemon) sayNext(now time.Time) {
	if next, ok := d.Slots.Next(now); ok {
		d.Log.Info("the next run", "at", next.At.In(d.Config.TimeZone), "run", next.key(d.Config.Window))
		return
	}
	d.Log.Info("no run is scheduled; what others start is worked on")
}
