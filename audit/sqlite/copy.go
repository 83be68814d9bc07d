package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// CopyTo writes the database as it is now to a new file.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// Rows is another database that has the same tables.
type Rows interface {
	// EachRow calls each for every row of a table, with the columns among wanted that it has.
	EachRow(ctx context.Context, table string, wanted []string, each func(columns []string, values []any) error) error
}

// what a copy needs of another database: all but the accounts, jobs and what the runs' processes kept for each other.
var filled = [...]string{"runs", "account_states", "verdict_changes", "run_notes", "attempts", "notices", "notice_items", "holds", "run_facts",
	"operator_actions", "settings", "snoozes", "bounces", "renumbered"}

// Fill fills empty tables from another database.
func (s *Store) Fill(ctx context.Context, from Rows) error {
	if _, err := s.db.ExecContext(ctx, `PRAGMA foreign_keys = OFF`); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, table := range filled {
			wanted, err := columnsOf(ctx, tx, table)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
			err = from.EachRow(ctx, table, wanted, func(columns []string, values []any) error {
				for i, v := range values {
					if at, ok := v.(time.Time); ok {
						values[i] = micros(at)
					}
				}
				_, err := tx.ExecContext(ctx, `INSERT INTO `+table+` (`+strings.Join(columns, ", ")+`) VALUES (?`+strings.Repeat(", ?", len(columns)-1)+`)`, values...)
				return err
			})
			if err != nil {
				return fmt.Errorf("copy %s: %w", table, err)
			}
		}
		return nil
	})
}

func columnsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
	return collect(rows, err, func(row scanner) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	})
}

// Fast has the database wait for no disk: for a copy that nobody misses.
func (s *Store) Fast(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `PRAGMA synchronous = OFF`)
	return err
}
