package postgres_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

func TestCheckSchema(t *testing.T) {
	s := open(t, pgtest.Shared(t).URL(pgtest.Database(t), pgtest.Admin), postgres.Options{})
	var wrong *postgres.SchemaError
	if err := s.CheckSchema(t.Context()); !errors.As(err, &wrong) || wrong.Have != 0 || !strings.Contains(err.Error(), "run mailaudit migrate") {
		t.Errorf("empty database: %v", err)
	}
	must(t, s.Migrate(t.Context()))
	must(t, s.CheckSchema(t.Context()))
	newest := wrong.Want
	for _, c := range []struct {
		have   int64
		advice string
	}{{newest - 1, "run mailaudit migrate"}, {newest + 1, "install the newer mailaudit"}} {
		exec(t, s, `DELETE FROM mailaudit.goose_db_version`)
		exec(t, s, `INSERT INTO mailaudit.goose_db_version (version_id, is_applied) VALUES (0, true), ($1, true)`, c.have)
		err := s.CheckSchema(t.Context())
		if !errors.As(err, &wrong) || wrong.Have != c.have || !strings.Contains(err.Error(), c.advice) {
			t.Errorf("version %d: %v", c.have, err)
		}
	}
	if err := s.Migrate(t.Context()); !errors.As(err, &wrong) {
		t.Errorf("a database of a newer program was migrated: %v", err)
	}
}

// Pods start together: each migrates or waits, and none fails.
func TestMigrateAtOnce(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, c := range map[string]struct {
		url  func(database, role string) string
		opts postgres.Options
	}{
		"direct": {cluster.URL, postgres.Options{}},
		"pooler": {cluster.Pool(t).URL, postgres.Options{Pooler: true}},
	} {
		t.Run(name, func(t *testing.T) {
			url := c.url(pgtest.Database(t), pgtest.Admin)
			inside := make(chan struct{}, 1)
			var group errgroup.Group
			for range 4 {
				s := open(t, url, c.opts)
				group.Go(func() error {
					return s.MigrateWith(t.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
						select {
						case inside <- struct{}{}:
						default:
							return errors.New("two processes migrate at once")
						}
						_, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS mailaudit.others (n integer)`)
						<-inside
						return err
					})
				})
			}
			must(t, group.Wait())
			must(t, open(t, url, c.opts).CheckSchema(t.Context()))
		})
	}
}

// Both stores take the same steps under the same numbers.
func TestMigrationsAreNumberedAlike(t *testing.T) {
	names := func(folder string) []string {
		files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
		must(t, err)
		for i, f := range files {
			files[i] = filepath.Base(f)
		}
		return files
	}
	if diff := cmp.Diff(names("../sqlite/migration"), names("migration")); diff != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", diff)
	}
}

// Everything is named with its schema: the search path decides nothing.
func TestNothingStandsElsewhere(t *testing.T) {
	s := fresh(t)
	var n int
	must(t, s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public'`).Scan(&n))
	if n != 0 {
		t.Errorf("%d relations in the schema public", n)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, s *postgres.Store, sql string, args ...any) {
	t.Helper()
	_, err := s.Pool().Exec(t.Context(), sql, args...)
	must(t, err)
}
