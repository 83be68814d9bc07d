// Package persist keeps what was heard from a provider or the relay until the database takes it. A verdict, a renewed
// grant or the relay's answer cannot be asked for again: the attempt is used, the mail has left. It is the one place that
// decides how long such a write is tried, whatever the store and whatever was heard.
//
// It holds nothing itself: whoever heard waits in Write, so that no more is kept than is in hand. Whoever is about to begin
// a conversation waits in Clear until all has been written.
package persist

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"mailaudit/audit"
)

const (
	// AwayAtMost is how long a database may be away, or full, before what waits for it is given up: longer than a restart
	// takes, or a move to another machine.
	AwayAtMost = 5 * time.Minute
	// unsureAtMost is the same where the error does not say that the database is away: a lock, a right that is missing.
	unsureAtMost = 15 * time.Second
	// endsWithin is how long a process that is told to end goes on trying: less than it is given to end.
	endsWithin = 15 * time.Second

	firstPause = 100 * time.Millisecond // doubled at each try
	longPause  = time.Second
)

// Writer writes what was heard. One serves a process, and any number of goroutines. A nil Writer tries once.
type Writer struct {
	Store audit.Blaming
	Log   *slog.Logger
	// Ending is closed when the process is to end. May be nil.
	Ending <-chan struct{}

	mu      sync.Mutex
	waiting int           // writes that have failed and are tried again
	cleared chan struct{} // closed when none is left
}

// Write calls write until it succeeds, for as long as the database may come back. What a row is to blame for, and a step
// that another process has taken, is returned at once. write must bear to be done twice, for the answer to a commit may
// be lost. The end of ctx does not end it: what was heard counts, also while we are being stopped.
func (w *Writer) Write(ctx context.Context, what string, write func(context.Context) error) error {
	return w.write(ctx, what, write, 0)
}

// Mark is Write for a single row: that the row is refused may pass as well.
func (w *Writer) Mark(ctx context.Context, what string, write func(context.Context) error) error {
	return w.write(ctx, what, write, unsureAtMost)
}

func (w *Writer) write(ctx context.Context, what string, write func(context.Context) error, rowAtMost time.Duration) error {
	ctx = context.WithoutCancel(ctx)
	err := write(ctx)
	if w == nil || !w.again(err, 0, rowAtMost) {
		return err
	}
	began := time.Now()
	w.Log.Warn("not written yet, it is kept and tried again", "what", what, "at_most", AwayAtMost.String(), "err", err)
	w.begin()
	defer w.end()
	ending, ends := w.Ending, (<-chan time.Time)(nil)
	for pause := firstPause; w.again(err, time.Since(began), rowAtMost); pause = min(2*pause, longPause) {
		select {
		case <-time.After(pause):
		case <-ending:
			ending, ends = nil, time.After(endsWithin)
			continue
		case <-ends:
			return err
		}
		err = write(ctx)
	}
	if err == nil {
		w.Log.Debug("written after all", "what", what, "seconds", int(time.Since(began).Seconds()))
	}
	return err
}

// again reports whether a write that has failed for so long is tried again.
func (w *Writer) again(err error, since, rowAtMost time.Duration) bool {
	if err == nil || errors.Is(err, audit.ErrMoved) || errors.Is(err, audit.ErrNoAccount) || errors.Is(err, audit.ErrNoRun) {
		return false
	}
	switch b, _ := w.Store.Blame(err); b {
	case audit.BlameAway:
		return since < AwayAtMost
	case audit.BlameRow:
		return since < rowAtMost
	}
	return since < unsureAtMost
}

// Waiting is how many writes have failed and are tried again.
func (w *Writer) Waiting() int {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting
}

func (w *Writer) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting++; w.waiting == 1 {
		w.cleared = make(chan struct{})
	}
}

func (w *Writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting--; w.waiting == 0 {
		close(w.cleared)
	}
}

// Clear waits until nothing that was heard waits to be written, and returns the cause where ctx ends before.
func (w *Writer) Clear(ctx context.Context) error {
	for w != nil {
		w.mu.Lock()
		waiting, cleared := w.waiting, w.cleared
		w.mu.Unlock()
		if waiting == 0 {
			return nil
		}
		select {
		case <-cleared:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.Ending:
			return errors.New("the process is to end")
		}
	}
	return nil
}
