package postgres

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
)

// Blame says what an error of PostgreSQL is about. It goes by the classes of the PostgreSQL manual's appendix A. A row may be unreadable for what stands in it
// (22, XX), for the function of a view that opens it (38, 39, P0), or refuse what is written (23, 44, 54).
func Blame(err error) (audit.Blame, string) {
	if b, code := audit.OwnBlame(err); b != audit.BlameUnknown {
		return b, code
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if lost(err) {
			return audit.BlameAway, ""
		}
		return audit.BlameUnknown, ""
	}
	code := "SQLSTATE " + pg.Code
	if raised(pg) { // by a function of a view, whatever code it gives
		return audit.BlameRow, code
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "22", "23", "38", "39", "44", "54", "P0", "XX":
		return audit.BlameRow, code
	}
	if passing(err) && pg.Code != canceled {
		return audit.BlameAway, code
	}
	return audit.BlameUnknown, code
}

// Blame implements [audit.Blaming].
func (s *Source) Blame(err error) (audit.Blame, string) { return Blame(err) }

// canceled is a statement that took too long, or was ended by a person: perhaps for one row's sake.
const canceled = "57014"

// lost reports whether a connection went, or never came.
func lost(err error) bool {
	var network net.Error
	return errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// passing reports whether an error speaks of the way to the database, or of its state, and not of the statement.
// The classes are those of the PostgreSQL manual's appendix A.
func passing(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true // the connection went, or never came
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "57": // connection exception, insufficient resources, operator intervention
		return true
	}
	switch pg.Code {
	case "25006", // a server that has just become the reserve reads only
		"55P03": // a lock that somebody holds for long: an ALTER TABLE, a process that was stopped
		return true
	}
	return false
}
