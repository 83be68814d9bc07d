package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
)

// rowError is an error about a row of the source, without PostgreSQL's message: that quotes values, and a view that casts
// a secret would have it in the log. Code, table and column are names and stay.
type rowError struct{ err error }

func (e rowError) Unwrap() error { return e.err }

func (e rowError) Error() string {
	var pg *pgconn.PgError
	if !errors.As(e.err, &pg) {
		return "a row cannot be read"
	}
	text := "a row cannot be read: SQLSTATE " + pg.Code
	if pg.TableName != "" {
		text += ", table " + pg.TableName
	}
	if pg.ColumnName != "" {
		text += ", column " + pg.ColumnName
	}
	return text
}

// sourceError says what reading the source failed at, and never quotes a value.
func sourceError(what string, err error) error {
	if b, _ := Blame(err); b == audit.BlameRow {
		err = rowError{err}
	}
	return fmt.Errorf("%s: %w", what, err)
}
