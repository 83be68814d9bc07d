package postgres_test

import (
	"context"
	"testing"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// migrated is a database with the program's tables, made once.
var migrated = pgtest.Template{Name: "migrated", Prepare: func(ctx context.Context, url string) error {
	s, err := postgres.Open(ctx, url, postgres.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}}

func open(t testing.TB, url string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fresh is a store over a migrated database of the test's own.
func fresh(t testing.TB) *postgres.Store {
	t.Helper()
	return open(t, pgtest.Shared(t).URL(migrated.Database(t), pgtest.Admin), postgres.Options{})
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) audit.Store { return fresh(t) })
}
