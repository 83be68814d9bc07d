package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// EachRow calls each for every row of one of the program's tables, with the columns among wanted that it has. Times are
// time.Time; what is JSON is its text.
func (s *Store) EachRow(ctx context.Context, table string, wanted []string, each func(columns []string, values []any) error) error {
	rows, err := s.pool.Query(ctx, `SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`, Schema, table)
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", table, err)
	}
	var columns, expressions []string
	var name, kind string
	if _, err := pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		if slices.Contains(wanted, name) {
			columns = append(columns, name)
			as := pgx.Identifier{name}.Sanitize()
			if kind == "jsonb" || kind == "json" {
				as += "::text"
			}
			expressions = append(expressions, as)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("read the columns of %s: %w", table, err)
	}
	if len(columns) == 0 {
		return nil
	}
	rows, err = s.pool.Query(ctx, `SELECT `+strings.Join(expressions, ", ")+` FROM `+pgx.Identifier{Schema, table}.Sanitize())
	if err != nil {
		return fmt.Errorf("read %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("read %s: %w", table, err)
		}
		if err := each(columns, values); err != nil {
			return err
		}
	}
	return rows.Err()
}
