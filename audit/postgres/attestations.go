package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mailaudit/audit"
)

// Attestations reads what the product attests of accounts from a table or view of the operator's. It never writes. The
// relation is looked up anew at each use, so that it may come, change and go while a process stays up.
type Attestations struct {
	pool *pgxpool.Pool
	name string // as the configuration names it
}

// OpenAttestations reads from a relation of the database at url. The caller closes it.
func OpenAttestations(ctx context.Context, url, relation string, o Options) (*Attestations, error) {
	pool, err := connect(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("attestations: %w", err)
	}
	return &Attestations{pool, relation}, nil
}

// Close closes the connections.
func (s *Attestations) Close() { s.pool.Close() }

func attestationUses() []use {
	value := use{
		name: "value", needed: true, fits: func(t typed) bool { return t.Base == "bool" || isText(t) || isInteger(t) }, wanted: "boolean", fix: "::boolean",
		read: func(q string, t typed) string {
			if t.Base == "bool" {
				return q
			}
			return "CASE WHEN lower(btrim(" + q + "::text)) IN ('t','true','1','yes') THEN true WHEN lower(btrim(" + q + "::text)) IN ('f','false','0','no') THEN false END"
		},
	}
	kind := text("kind")
	kind.needed = true
	moment := func(name string, needed bool) use {
		return use{name: name, needed: needed, fits: isMoment, wanted: "timestamptz", fix: "::timestamptz", read: readMoment, absent: "NULL::timestamptz"}
	}
	return []use{id("account_id"), kind, value, moment("seen_at", true), moment("expires_at", false)}
}

// columns looks the relation up and returns its quoted name, its columns and the list that reads them.
func (s *Attestations) columns(ctx context.Context, tx pgx.Tx) (from string, columns map[string]typed, list string, err error) {
	relation, err := parseRelation(s.name)
	if err != nil {
		return "", nil, "", err
	}
	found, oid, role, err := find(ctx, tx, relation)
	if err != nil {
		return "", nil, "", err
	}
	if columns, err = describe(ctx, tx, oid); err != nil {
		return "", nil, "", err
	}
	var problems []string
	for i, u := range attestationUses() {
		t, there := columns[u.name]
		if !there && u.needed {
			problems = append(problems, "column "+u.name+" is missing; needed are account_id, kind, value and seen_at")
		} else if problem := u.problem(t, there, pgx.Identifier{role}.Sanitize(), found.Sanitize()); problem != "" {
			problems = append(problems, problem)
		}
		if i > 0 {
			list += ", "
		}
		expression := u.expression(t, there)
		if u.name == "account_id" {
			expression = `"account_id"::text`
		}
		list += expression
	}
	if len(problems) > 0 {
		return "", nil, "", &RelationError{Problem: joined(problems)}
	}
	return found.Sanitize(), columns, list, nil
}

// Attestations returns the rows of those of the accounts that have any.
func (s *Attestations) Attestations(ctx context.Context, accountIDs []string) (audit.Attestations, error) {
	var all audit.Attestations
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		from, columns, list, err := s.columns(ctx, tx)
		if err != nil {
			return err
		}
		var own []string
		for _, id := range accountIDs {
			if canonical(columns["account_id"], id) {
				own = append(own, id)
			}
		}
		rows, err := tx.Query(ctx, `SELECT `+list+` FROM `+from+` WHERE "account_id" = ANY ($1::text[]::`+columns["account_id"].Cast+`[])
			ORDER BY "account_id", 2, 4`, own)
		if err != nil {
			return err
		}
		var id, kind string
		var value *bool
		var seen, expires time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &kind, &value, scanTime{&seen}, scanTime{&expires}}, func() error {
			all.Add(audit.NewAttestation(id, kind, value, seen, expires))
			return nil
		})
		return err
	})
	if err != nil {
		return audit.Attestations{}, err
	}
	return all, nil
}

// Count counts the rows.
func (s *Attestations) Count(ctx context.Context) (n int, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		from, _, _, err := s.columns(ctx, tx)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM `+from).Scan(&n)
	})
	return n, err
}

func (s *Attestations) read(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	err := read(ctx, s.pool, f)
	misfit := (*RelationError)(nil)
	switch {
	case errors.As(err, &misfit):
		return fmt.Errorf("attestations %s: %s", s.name, misfit.Problem)
	case err != nil:
		return fmt.Errorf("attestations %s: %w", s.name, err)
	}
	return nil
}
