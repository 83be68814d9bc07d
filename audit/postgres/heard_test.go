package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
	"mailaudit/audit/persist"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// What providers have said is not lost while the connections are cut again and again.
func TestResultsSurviveCutConnections(t *testing.T) {
	url := pgtest.Shared(t).URL(migrated.Database(t), pgtest.Admin)
	s, other := open(t, url, postgres.Options{}), open(t, url, postgres.Options{MaxConns: 1})
	run, heard := started(t, s, "k", night), &persist.Writer{Store: s, Log: slog.New(slog.DiscardHandler)}
	stop := make(chan struct{})
	cut := make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				cut <- n
				return
			case <-time.After(250 * time.Millisecond):
			}
			var killed int
			if err := other.Pool().QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'mailaudit'`).Scan(&killed); err == nil {
				n += killed
			}
		}
	}()
	const batches = 100
	for i := range batches {
		var portion []audit.Recorded
		for j := range 20 {
			portion = append(portion, result(run, fmt.Sprintf("a-%d-%d", i, j), audit.Compliant))
		}
		must(t, heard.Write(t.Context(), "verdicts", func(ctx context.Context) error { return s.Record(ctx, run.Key, portion) }))
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	n := <-cut
	if got := recorded(t, s, run.Key); got != 20*batches || n == 0 {
		t.Errorf("%d results stored of %d, %d connections cut", got, 20*batches, n)
	}
}

func TestWhatPasses(t *testing.T) {
	for code, want := range map[string]bool{"57P01": true, "53100": true, "08006": true, "57014": true, "23505": false, "42P01": false, "22021": false, "": false} {
		if got := postgres.Passing(fmt.Errorf("record results: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%q passes: %v", code, got)
		}
	}
	if !postgres.Passing(errors.New("unexpected EOF")) {
		t.Error("a line that went dead does not pass")
	}
}
