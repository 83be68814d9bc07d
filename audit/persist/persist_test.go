package persist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"mailaudit/audit"
)

var (
	errAway = errors.New("connection refused")
	errLock = errors.New("lock timeout")
	errRow  = &audit.RowError{Err: errors.New("refused")}
)

type blames struct{}

func (blames) Blame(err error) (audit.Blame, string) {
	if errors.Is(err, errAway) {
		return audit.BlameAway, "away"
	}
	return audit.OwnBlame(err)
}

// lasting fails with err for so long from now.
func lasting(err error, d time.Duration) func(context.Context) error {
	until := time.Now().Add(d)
	return func(ctx context.Context) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().Before(until) {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
}

func TestWhatWasHeardIsKeptAsLongAsTheCauseMayPass(t *testing.T) {
	for _, tt := range []struct {
		what   string
		err    error
		lasts  time.Duration
		single bool
		want   bool // written
	}{
		{"a restart of the database", errAway, 25 * time.Second, false, true},
		{"a move to another machine", errAway, 4 * time.Minute, false, true},
		{"a database that is gone", errAway, 6 * time.Minute, false, false},
		{"a lock", errLock, 8 * time.Second, false, true},
		{"a lock that stays", errLock, time.Minute, false, false},
		{"a row among others", errRow, time.Second, false, false},
		{"a single row that is refused for a while", errRow, 8 * time.Second, true, true},
		{"a single row that is refused for good", errRow, time.Hour, true, false},
		{"another process's step", audit.ErrMoved, time.Second, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &Writer{Store: blames{}, Log: slog.New(slog.DiscardHandler)}
			ended, cancel := context.WithCancel(t.Context())
			cancel() // what was heard counts, also while we are being stopped
			write := w.Write
			if tt.single {
				write = w.Mark
			}
			if err := write(ended, "it", lasting(tt.err, tt.lasts)); (err == nil) != tt.want {
				t.Errorf("%s: %v, want written %v", tt.what, err, tt.want)
			}
		})
	}
}

func TestNothingBeginsWhileWhatWasHeardIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Writer{Store: blames{}, Log: slog.New(slog.DiscardHandler)}
		if err := w.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, lasts := range []time.Duration{10 * time.Second, 30 * time.Second} {
			go w.Write(t.Context(), "it", lasting(errAway, lasts)) //nolint:errcheck // it succeeds
		}
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Clear(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v while the database is away", err)
		}
		if err := w.Clear(t.Context()); err != nil || time.Since(began) < 30*time.Second {
			t.Errorf("%v after %v, want none once all is written", err, time.Since(began))
		}
	})
}

func TestAProcessThatIsToEndTriesALittleLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ending := make(chan struct{})
		w := &Writer{Store: blames{}, Log: slog.New(slog.DiscardHandler), Ending: ending}
		time.AfterFunc(time.Minute, func() { close(ending) })
		began := time.Now()
		err := w.Write(t.Context(), "it", lasting(errAway, time.Hour))
		if took := time.Since(began); !errors.Is(err, errAway) || took < time.Minute || took > time.Minute+endsWithin+longPause {
			t.Errorf("%v after %v", err, took)
		}
		if err := w.Clear(t.Context()); err != nil {
			t.Errorf("%v where nothing waits any more", err)
		}
	})
}

func TestWithoutAWriterAllIsTriedOnce(t *testing.T) {
	var w *Writer
	if err := errors.Join(w.Clear(t.Context()), w.Mark(t.Context(), "it", lasting(nil, 0))); err != nil {
		t.Error(err)
	}
	if err := w.Write(t.Context(), "it", lasting(errAway, time.Second)); !errors.Is(err, errAway) {
		t.Error(err)
	}
}
