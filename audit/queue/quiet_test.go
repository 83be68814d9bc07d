package queue

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An hour without a database, in which everything fails several times a second.
func TestOutageDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		log := quiet(slog.New(slog.NewTextHandler(&said, nil)))
		away := errors.New("connection refused")
		for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			for _, name := range []string{"mail", "house", "verify_google"} {
				log.With("queue", name).Error("no jobs fetched", "err", away)
			}
			log.Error("agenda not read", "err", away)
			log.Info("working")
		}
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if len(lines) != 120 {
			t.Errorf("%d lines of an hour, want one a minute for each of two messages", len(lines))
		}
		if last := lines[len(lines)-1]; !strings.Contains(last, "connection refused") || !strings.Contains(last, "omitted=299") {
			t.Errorf("the last line says %q", last)
		}
	})
}
