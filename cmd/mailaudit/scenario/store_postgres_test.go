package scenario

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// The queue's tables are older than this program, after an upgrade of River alone: nothing starts on them, and
// what brings them up to date is named.
func TestOlderTablesOfTheQueueAreRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	cluster := pgtest.Own(t)
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	s.install(s.clinic(0, "gmail.com"))
	s.done("run", "--key", "before")
	older := func() {
		t.Helper()
		pool, err := pgxpool.New(t.Context(), cluster.URL("postgres", pgtest.Admin))
		s.need(err)
		defer pool.Close()
		river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: postgres.Schema})
		s.need(err)
		_, err = river.Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{MaxSteps: 1})
		s.need(err)
	}
	older()
	asked := s.counters().Connections
	for _, command := range []string{"run", "serve", "deliver", "report", "doctor"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // serve would go on
		o := s.doUntil(ctx, command)
		cancel()
		if said := o.stdout + o.stderr; o.code == exit.Done || !strings.Contains(said, "the queue's tables are not up to date: run mailaudit migrate") {
			t.Errorf("%s: exit %d: %s", command, o.code, said)
		} else if command != "doctor" && o.code != exit.Usage {
			t.Errorf("%s: exit %d, want %d", command, o.code, exit.Usage)
		}
	}
	if n := s.counters().Connections - asked; n != 0 {
		t.Errorf("%d connections to providers", n)
	}
	s.done("run", "--key", "migrating", "--migrate")
	older()
	s.done("migrate")
	s.done("run", "--key", "after")
}
