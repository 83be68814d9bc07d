package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"mailaudit/audit"
)

// Blame implements [audit.Blaming].
func (s *Store) Blame(err error) (audit.Blame, string) { return Blame(err) }

// Blame goes by SQLite's result codes (sqlite.org/rescode.html).
func Blame(err error) (audit.Blame, string) {
	if b, code := audit.OwnBlame(err); b != audit.BlameUnknown {
		return b, code
	}
	var of *sqlite.Error
	if !errors.As(err, &of) {
		return audit.BlameUnknown, ""
	}
	code := fmt.Sprintf("SQLite result code %d", of.Code())
	switch of.Code() & 0xff { // without what extends it
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG, lib.SQLITE_CORRUPT:
		return audit.BlameRow, code
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_NOMEM, lib.SQLITE_READONLY, lib.SQLITE_IOERR, lib.SQLITE_FULL,
		lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return audit.BlameAway, code
	}
	return audit.BlameUnknown, code
}
