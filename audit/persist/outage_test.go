package persist

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func outage(said *bytes.Buffer) *Outage {
	return &Outage{
		What: "database", Log: slog.New(slog.NewTextHandler(said, nil)),
		Away:     func(err error) bool { return errors.Is(err, errAway) },
		AwayText: func(text string) bool { return strings.Contains(text, "refused") },
		Fix:      func(error) string { return "start it" },
	}
}

func linesOf(said *bytes.Buffer) []string {
	return strings.Split(strings.TrimSpace(said.String()), "\n")
}

// A database is away for 40 seconds, and queues, jobs and writes all say so, by their own words.
func TestAnOutageIsTwoLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		o := outage(&said)
		log := o.Fold(slog.New(slog.NewTextHandler(&said, nil)))
		for range 200 {
			log.With("queue", "mail").Error("producer: Error fetching jobs", "err", "dial: connection refused")
			log.Error("maintenance: Error scheduling jobs", "error", "dial: connection refused")
			log.Warn("job failed, it will be tried again", "job", "verify_batch", "err", errAway)
			time.Sleep(200 * time.Millisecond)
		}
		o.Works()
		o.Works()
		lines := linesOf(&said)
		if len(lines) != 2 || !strings.Contains(lines[0], "database unavailable") || !strings.Contains(lines[0], `fix="start it"`) ||
			!strings.Contains(lines[1], "database is back") || !strings.Contains(lines[1], "seconds=40") {
			t.Errorf("the log says\n%s", said.String())
		}
		said.Reset()
		log.Warn("job failed, it will be tried again", "err", errRow)
		log.Info("working", "err", errAway)
		if lines := linesOf(&said); len(lines) != 2 {
			t.Errorf("what is about something else is left out:\n%s", said.String())
		}
	})
}

// A server that has no connection free refuses many times a second, and serves in between.
func TestOutagesOfAMomentDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		o := outage(&said)
		for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
			o.Met(errAway)
			time.Sleep(250 * time.Millisecond)
			o.Works()
		}
		if lines := linesOf(&said); len(lines) > 2*10 {
			t.Errorf("%d lines in ten minutes", len(lines))
		}
		said.Reset()
		for range 60 {
			o.Met(errAway)
			time.Sleep(200 * time.Millisecond)
		}
		o.Works()
		if lines := linesOf(&said); len(lines) != 2 {
			t.Errorf("an outage of 12 s soon after another is logged as\n%s", said.String())
		}
	})
}

func TestAStartWaitsAsLongAsARunDoes(t *testing.T) {
	for _, tt := range []struct {
		what   string
		err    error
		lasts  time.Duration
		took   time.Duration // at most
		starts bool
	}{
		{"a restart", errAway, 25 * time.Second, 27 * time.Second, true},
		{"gone for good", errAway, time.Hour, AwayAtMost + 2*time.Second, false},
		{"a wrong password", errLock, time.Hour, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			began := time.Now()
			err := outage(&said).Wait(t.Context(), lasting(tt.err, tt.lasts))
			if took := time.Since(began); (err == nil) != tt.starts || took > tt.took {
				t.Errorf("%s: %v after %v", tt.what, err, took)
			}
			if tt.lasts > AwayAtMost && errors.Is(tt.err, errAway) && !strings.Contains(err.Error(), "database unavailable for 5m0s") {
				t.Errorf("%s: the last word is %q", tt.what, err)
			}
		})
	}
}

func TestAStartThatWaitsEndsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err := outage(new(bytes.Buffer)).Wait(ctx, func(context.Context) error { return errAway })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
