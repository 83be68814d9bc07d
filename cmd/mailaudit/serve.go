package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"mailaudit/audit"
)

type serveCmd struct {
	Migrate bool `help:"Bring a PostgreSQL database's tables up to date first."`
}

func (s *serveCmd) wants() wants {
	if s.Migrate {
		return wants{tables: migrating, asks: true}
	}
	return wants{asks: true}
}

func (s *serveCmd) Run(ctx context.Context, a *app) error {
	unlock, err := lockStore(ctx, a.store, false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("serve: %w: stop the other one first, or keep the database in PostgreSQL, where any number may work", err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := a.mayBegin(ctx); err != nil {
		return err
	}
	n, err := a.newNight()
	if err != nil {
		return err
	}
	a.slots = slots{schedule: a.config.Schedule, zone: a.config.TimeZone}
	d := &daemon{night: n, slots: a.slots, ends: newEnds(a)}
	return d.serve(ctx)
}

// daemon is a night that does not end: it works on whatever is queued, and starts a run at each slot.
type daemon struct {
	*night
	slots slots
	ends  *ends

	ticked  atomic.Int64 // nanoseconds of the epoch: when the loop last came by
	settled time.Time    // the last slot that has its run
	passed  time.Time    // the last slot of which the log knows that it waits
	resume  time.Time    // when a start that failed is tried again
}

const (
	lookAgain  = time.Second      // after a slot that must wait for the run before it
	tryAgain   = 10 * time.Second // after a failure
	startsIn   = time.Minute      // bounds one try to start a run
	endsLooked = 2 * time.Second  // how often is looked whether a run has ended
)

func (d *daemon) serve(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d.ticked.Store(time.Now().UnixNano())
	closeDoor, err := d.openDoor(ctx, fail)
	if err != nil {
		return errors.Join(err, d.closeDesk())
	}
	defer closeDoor()
	if err := d.ends.takeOver(ctx); err != nil {
		return errors.Join(err, d.closeDesk())
	}
	d.sayNext(d.now())
	err = d.work(ctx, d.tick)
	return errors.Join(err, d.handBack(context.WithoutCancel(ctx)))
}

// handBack marks what this process worked on as incomplete. Where others work on it too, their next beat says so.
func (d *daemon) handBack(ctx context.Context) error {
	open, err := d.store.ListRuns(ctx, runsLookedAt, true)
	if err != nil {
		return err
	}
	var failed error
	for _, run := range open {
		failed = errors.Join(failed, d.store.Interrupt(ctx, run.Key))
	}
	return failed
}

// tick is one turn of the loop. A failure is logged and tried again: what was lost may come back.
func (d *daemon) tick(ctx context.Context) (finished bool, err error) {
	d.ticked.Store(time.Now().UnixNano())
	if err := d.look(ctx); err != nil && ctx.Err() == nil {
		d.resume = time.Now().Add(tryAgain)
		d.log.Error("the night's run is not started, it is tried again", "err", err, "in", tryAgain)
	}
	d.ends.look(ctx)
	return false, nil
}

// look starts a run if a slot calls for one.
func (d *daemon) look(ctx context.Context) error {
	if time.Now().Before(d.resume) {
		return nil
	}
	due, ok := d.slots.due(d.now(), time.Time{})
	if !ok || due.at.Equal(d.settled) {
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
	d.settled = due.at
	d.sayNext(d.now())
	return nil
}

// start has the slot's run begun, by this process or another. false: it must wait, since a run of the whole
// source began too short a time ago.
func (d *daemon) start(ctx context.Context, due slot) (bool, error) {
	key := due.key(d.config.Window)
	before, err := d.lastStart(ctx) // first: what another process begins meanwhile is then the slot's own
	if err != nil {
		return false, err
	}
	run, err := d.store.LoadRun(ctx, key)
	if err == nil {
		d.log.Info("the slot has its run already", "run", key, "slot", due.at, "status", string(run.Status))
		return true, nil
	}
	if !errors.Is(err, audit.ErrNoRun) {
		return false, err
	}
	if _, now := d.slots.due(d.now(), before); !now {
		if !due.at.Equal(d.passed) {
			d.passed = due.at
			d.log.Warn("the slot waits: a run of all accounts began not long ago", "slot", due.at, "run_began", before, "least_between", betweenNights)
		}
		return false, nil
	}
	if err := d.mayBegin(ctx); err != nil {
		return false, err
	}
	if err := d.expireOlder(ctx, key); err != nil {
		return false, err
	}
	_, created, err := d.auditor.Begin(ctx, key, audit.Scope{})
	if err != nil {
		return false, err
	}
	if created {
		d.ends.began(ctx, key)
	}
	d.engine.Wake()
	return true, nil
}

// lastStart is when the latest run of the whole source began.
func (d *daemon) lastStart(ctx context.Context) (time.Time, error) {
	runs, err := d.store.ListRuns(ctx, runsLookedAt, false)
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

func (d *daemon) sayNext(now time.Time) {
	if next, ok := d.slots.next(now); ok {
		d.log.Info("the next run", "at", next.at.In(d.config.TimeZone), "run", next.key(d.config.Window))
		return
	}
	d.log.Info("no run is scheduled; what others start is worked on")
}
