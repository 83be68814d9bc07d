package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

func TestStatementsAreKept(t *testing.T) {
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "mailaudit.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(query string) {
		t.Helper()
		if _, err := s.db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE TABLE t (a INTEGER)`)
	run(`INSERT INTO t VALUES (1), (2)`)
	const all = `SELECT * FROM t`

	err = s.inTx(t.Context(), func(tx *sql.Tx) error {
		outer, err := tx.Query(all)
		if err != nil {
			return err
		}
		defer outer.Close()
		for range 2 {
			if !outer.Next() {
				t.Fatal("a statement in use was taken for another reader")
			}
			inner, err := tx.Query(all)
			if err != nil {
				return err
			}
			if n := count(inner); n != 2 {
				t.Fatalf("%d rows within, want 2", n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	run(`ALTER TABLE t ADD COLUMN b INTEGER`)
	rows, err := s.db.QueryContext(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if columns, _ := rows.Columns(); len(columns) != 2 {
		t.Errorf("columns %v of a table that was altered", columns)
	}
	rows.Close()
	if !kept(t, s)[all] {
		t.Error("a statement that was run is not kept")
	}
	for i := range 2 * remembered {
		run(fmt.Sprintf(`DELETE FROM t WHERE a = %d`, i))
	}
	if n := len(kept(t, s)); n != remembered {
		t.Errorf("%d statements kept, want %d", n, remembered)
	}
}

func count(rows *sql.Rows) (n int) {
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n
}

// kept are the connection's idle statements.
func kept(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	conn, err := s.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Raw(func(c any) error {
		for query := range c.(*connection).idle {
			all[query] = true
		}
		return nil
	})
	return all
}
