package postgres

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"mailaudit/audit"
)

// timestamp is a time as the tables keep it: in microseconds, NULL for none.
func timestamp(t time.Time) pgtype.Timestamptz {
	if t.IsZero() {
		return pgtype.Timestamptz{}
	}
	return pgtype.Timestamptz{Time: t.UTC().Truncate(time.Microsecond), Valid: true}
}

// scanTime scans a column of time.
type scanTime struct{ t *time.Time }

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (m scanTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m.t = time.Time{}
	if v.Valid && v.InfinityModifier == pgtype.Finite {
		*m.t = v.Time.UTC()
	}
	return nil
}

// clean makes a text storable: replies and names are written by strangers, and PostgreSQL's text holds
// neither zero bytes nor what is not UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// column is one value of each of the rows, as unnest takes them.
func column[T, V any](rows []T, value func(T) V) []V {
	all := make([]V, len(rows))
	for i, r := range rows {
		all[i] = value(r)
	}
	return all
}

// texts is a column of text.
func texts[T any, V ~string](rows []T, value func(T) V) []string {
	return column(rows, func(r T) string { return clean(string(value(r))) })
}

// timestamps is a column of time.
func timestamps[T any](rows []T, value func(T) time.Time) []pgtype.Timestamptz {
	return column(rows, func(r T) pgtype.Timestamptz { return timestamp(value(r)) })
}

// list is ids as a parameter; nil would be NULL, which no id is or is not among.
func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// scanAttested scans what an attestation adds.
type scanAttested struct{ a *audit.Attested }

// ScanText implements [pgtype.TextScanner].
func (s scanAttested) ScanText(v pgtype.Text) error {
	*s.a = audit.ReadAttested(v.String)
	return nil
}
