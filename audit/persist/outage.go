package persist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Outage reports a database that is away in two lines: one when it goes, one when it is back. Queues, jobs and writes all
// fail meanwhile, several times a second; their records go through [Outage.Fold] and add nothing. One serves a process, and
// any number of goroutines. A nil Outage is never away.
type Outage struct {
	What string // the database as the configuration names it
	Log  *slog.Logger
	// Away reports whether an error is about the database as a whole; AwayText does for one that is known by its text alone.
	Away     func(error) bool
	AwayText func(string) bool
	// Fix is what an operator can do, "" if it is not known. May be nil.
	Fix func(error) string

	mu    sync.Mutex
	since time.Time // zero: it is not away
	said  time.Time // when a line was last logged
	told  bool      // that it is away now
}

const (
	// sayAgainAfter is how long after a line the next outage is not reported, unless it lasts for longSilence: a server
	// without a free connection refuses one moment and serves the next.
	sayAgainAfter = time.Minute
	longSilence   = 5 * time.Second
)

// Open reports whether the database was away when it was last used.
func (o *Outage) Open() bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

// Met notes an error that says that the database is away.
func (o *Outage) Met(err error) {
	if !o.begin() {
		return
	}
	attrs := []any{"waits_at_most", AwayAtMost.String(), "err", err}
	if o.Fix != nil {
		if fix := o.Fix(err); fix != "" {
			attrs = append(attrs, "fix", fix)
		}
	}
	o.Log.Warn(o.What+" unavailable; what was heard is kept until it is back", attrs...)
}

// begin reports whether the outage is to be logged now.
func (o *Outage) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.since.IsZero() {
		o.since = now
	}
	if o.told || now.Sub(o.said) < sayAgainAfter && now.Sub(o.since) < longSilence {
		return false
	}
	o.told, o.said = true, now
	return true
}

// Works notes that the database was read and written.
func (o *Outage) Works() {
	if o == nil {
		return
	}
	o.mu.Lock()
	since, told := o.since, o.told
	o.since, o.told = time.Time{}, false
	if told {
		o.said = time.Now()
	}
	o.mu.Unlock()
	if told {
		o.Log.Warn(o.What+" is back", "seconds", int(time.Since(since).Round(time.Second).Seconds()))
	}
}

// Wait repeats a step while the database is away, for as long as what was heard is kept. It is how a command waits that
// has nothing to keep yet. The step must bear to be done twice.
func (o *Outage) Wait(ctx context.Context, step func(context.Context) error) error {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := step(ctx)
		if err == nil {
			o.Works()
			return nil
		}
		if !o.Away(err) || ctx.Err() != nil {
			return err
		}
		o.Met(err)
		if time.Since(began) >= AwayAtMost {
			return o.givenUp(err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

func (o *Outage) givenUp(err error) error {
	err = fmt.Errorf("%s unavailable for %v: %w", o.What, AwayAtMost, err)
	if o.Fix != nil {
		if fix := o.Fix(err); fix != "" {
			return fmt.Errorf("%w; fix: %s", err, fix)
		}
	}
	return err
}

// Fold takes the records out of a log whose "err" or "error" says that the database is away.
func (o *Outage) Fold(log *slog.Logger) *slog.Logger { return slog.New(folding{log.Handler(), o}) }

type folding struct {
	slog.Handler
	outage *Outage
}

func (f folding) Handle(ctx context.Context, r slog.Record) error {
	if err := f.outage.saidBy(r); err != nil {
		f.outage.Met(err)
		return nil
	}
	return f.Handler.Handle(ctx, r)
}

// saidBy is the error of a record that says that the database is away; nil if it does not.
func (o *Outage) saidBy(r slog.Record) (away error) {
	if r.Level < slog.LevelWarn {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "err" && a.Key != "error" {
			return true
		}
		switch v := a.Value.Any().(type) {
		case error:
			if o.Away(v) {
				away = v
			}
		case string:
			if o.AwayText != nil && o.AwayText(v) {
				away = errors.New(v)
			}
		}
		return away == nil
	})
	return away
}

func (f folding) WithAttrs(attrs []slog.Attr) slog.Handler {
	return folding{f.Handler.WithAttrs(attrs), f.outage}
}
func (f folding) WithGroup(name string) slog.Handler {
	return folding{f.Handler.WithGroup(name), f.outage}
}
