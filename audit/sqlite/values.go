package sqlite

import (
	"database/sql"
	"encoding/json"
	"time"

	"mailaudit/audit"
)

// micros is a time as the tables keep it.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// scanTime scans a column of microseconds.
type scanTime struct{ t *time.Time }

func (m scanTime) Scan(src any) error {
	var n sql.NullInt64
	if err := n.Scan(src); err != nil {
		return err
	}
	*m.t = fromMicros(n)
	return nil
}

// array is a list of ids as one parameter, for json_each.
func array[T string | int64](ids []T) string {
	if ids == nil {
		ids = []T{}
	}
	b, _ := json.Marshal(ids) // strings and numbers always marshal
	return string(b)
}

type scanner interface{ Scan(dest ...any) error }

// collect reads all rows and closes them. One that cannot be understood ends it with an [audit.RowError].
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, &audit.RowError{Err: err}
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// scanAttested scans what an attestation adds.
type scanAttested struct{ a *audit.Attested }

func (s scanAttested) Scan(src any) error {
	var text sql.NullString
	err := text.Scan(src)
	*s.a = audit.ReadAttested(text.String)
	return err
}
