package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"mailaudit/audit"
	"mailaudit/audit/storetest"
)

func fresh(t *testing.T) *Store {
	t.Helper()
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) audit.Store { return fresh(t) })
}

func TestOpenMakesNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := Open(context.Background(), path); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("open: %v, want ErrNoDatabase", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	s := fresh(t)
	if _, err := s.db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err == nil {
		t.Error("a database of a newer program was migrated")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	unlock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	unlock()
	if _, err := Lock(path); err != nil {
		t.Errorf("lock after unlock: %v", err)
	}
}
