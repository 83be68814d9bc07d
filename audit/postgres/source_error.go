package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
)

// silentError is an error of a statement over the source, without PostgreSQL's message: that may quote values, and a view
// that casts or decrypts a secret would have it in the log. Code, table and column are names and stay.
type silentError struct {
	what string
	err  error
}

func (e silentError) Unwrap() error { return e.err }

func (e silentError) Error() string {
	var pg *pgconn.PgError
	if !errors.As(e.err, &pg) {
		return e.what
	}
	text := e.what + ": SQLSTATE " + pg.Code
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
	switch b, _ := Blame(err); {
	case b == audit.BlameRow:
		err = silentError{"a row cannot be read", err}
	case quotes(err):
		err = silentError{"the source table or view cannot be read", err}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// quotes reports whether PostgreSQL's message may quote a value: any may but those on connections, resources, locks,
// rights, and names that are not there.
func quotes(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	if raised(pg) || pg.InternalQuery != "" { // a function puts statements together
		return true
	}
	switch pg.Code {
	case "42501", "42703", "42P01", "42704", "42883", "3F000", "0A000", "42P05", "26000":
		return false
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "25", "28", "3D", "40", "53", "55", "57", "58":
		return false
	}
	return true
}

// raised reports whether a function of the database's own wrote the error, by RAISE: its code and its words may be any.
func raised(pg *pgconn.PgError) bool { return pg.Routine == "exec_stmt_raise" }
