package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// Attestations reads what the product attests of accounts from a table or view that the operator made in the program's
// own file. It never writes, and looks at the columns anew at each use.
type Attestations struct {
	store *Store
	name  string
}

// AttestationsIn reads from a table or view of the database.
func (s *Store) AttestationsIn(name string) *Attestations { return &Attestations{s, name} }

// columns returns the list that reads the columns, and the quoted name.
func (a *Attestations) columns(ctx context.Context) (list, from string, err error) {
	name := strings.TrimPrefix(a.name, "main.")
	rows, err := a.store.db.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, name)
	have, err := collect(rows, err, scanText)
	if err != nil {
		return "", "", fmt.Errorf("attestations %s: %w", a.name, err)
	}
	if len(have) == 0 {
		return "", "", fmt.Errorf("attestations %s: there is no such table or view in the SQLite file: CREATE TABLE %s (account_id TEXT, kind TEXT, value, seen_at, expires_at)", a.name, quote(name))
	}
	for i, column := range []string{"account_id", "kind", "value", "seen_at", "expires_at"} {
		expression := "NULL"
		switch {
		case slices.Contains(have, column):
			expression = quote(column)
		case column != "expires_at":
			err = errors.Join(err, fmt.Errorf("attestations %s: column %s is missing; needed are account_id, kind, value and seen_at", a.name, column))
		}
		if i > 0 {
			list += ", "
		}
		if column == "account_id" || column == "kind" {
			expression = "coalesce(CAST(" + expression + " AS TEXT), '')"
		}
		list += expression
	}
	return list, quote(name), err
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Attestations returns the rows of those of the accounts that have any.
func (a *Attestations) Attestations(ctx context.Context, accountIDs []string) (all audit.Attestations, err error) {
	list, from, err := a.columns(ctx)
	if err != nil {
		return all, err
	}
	rows, err := a.store.db.QueryContext(ctx, `SELECT `+list+` FROM `+from+` WHERE CAST(account_id AS TEXT) IN (SELECT value FROM json_each(?))
		ORDER BY 1, 2, 4`, array(accountIDs))
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var id, kind string
		var value, seen, expires any
		err := row.Scan(&id, &kind, &value, &seen, &expires)
		if err == nil {
			all.Add(audit.NewAttestation(id, kind, yesOrNo(value), moment(seen), moment(expires)))
		}
		return struct{}{}, err
	})
	if err != nil {
		return audit.Attestations{}, fmt.Errorf("attestations %s: %w", a.name, err)
	}
	return all, nil
}

// Count counts the rows.
func (a *Attestations) Count(ctx context.Context) (n int, err error) {
	_, from, err := a.columns(ctx)
	if err == nil {
		err = a.store.db.QueryRowContext(ctx, `SELECT count(*) FROM `+from).Scan(&n)
	}
	return n, err
}

// Close closes nothing: the file is the program's.
func (a *Attestations) Close() {}

// yesOrNo reads a truth value as SQLite's users write it; nil for anything else.
func yesOrNo(v any) *bool {
	yes, no := true, false
	if b, ok := v.(bool); ok {
		return &b
	}
	switch strings.ToLower(strings.TrimSpace(fmt.Sprint(v))) {
	case "1", "true", "t", "yes":
		return &yes
	case "0", "false", "f", "no":
		return &no
	}
	return nil
}

// moment reads a time as SQLite's users write it: RFC 3339, SQLite's own form (in UTC), a day, or seconds, milliseconds or
// microseconds since 1970. Zero for anything else.
func moment(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v.UTC()
	case int64:
		switch {
		case v >= 1e14:
			return time.UnixMicro(v).UTC()
		case v >= 1e11:
			return time.UnixMilli(v).UTC()
		case v > 0:
			return time.Unix(v, 0).UTC()
		}
	case string:
		for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.DateOnly} {
			if t, err := time.Parse(form, strings.TrimSpace(v)); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
