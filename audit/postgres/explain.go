package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// A night reads the source by pages in the order of account_id, and by lists of ids. Where no index serves these, each
// costs the product's database a pass over the table.

const (
	costlyRows = 100_000 // of a table; a smaller one the planner may well rather read whole than by an index
	costlySort = 10_000
)

const (
	explainPage = 2000
	explainIDs  = 200
)

// Costs names what is costly about the source's two statements, in words for operators; none where indexes serve them. It
// asks for plans and runs neither.
func (s *Source) Costs(ctx context.Context) ([]string, error) {
	ids, err := s.AccountIDsAfter(ctx, "", explainIDs, "")
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	page, args := s.after(s.columns, ids[0], explainPage, "")
	var costs []string
	for _, of := range []struct {
		what, query string
		args        []any
	}{
		{"a page of accounts", page, args},
		{"a batch of ids", `SELECT ` + s.columns + ` FROM ` + s.from + ` WHERE ` + s.idName + ` = ANY ($1::text[]::` + s.id.Cast + `[])`, []any{ids}},
	} {
		err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
			var text []byte
			if err := tx.QueryRow(ctx, `EXPLAIN (FORMAT JSON, VERBOSE) `+of.query, of.args...).Scan(&text); err != nil {
				return err
			}
			var plans []struct{ Plan plan }
			if err := json.Unmarshal(text, &plans); err != nil {
				return err
			}
			for _, p := range plans {
				found, err := p.Plan.costs(ctx, tx)
				if err != nil {
					return err
				}
				for _, f := range found {
					if line := of.what + " " + f; !slices.Contains(costs, line) {
						costs = append(costs, line)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, sourceError("explain the source's statements", err)
		}
	}
	return costs, nil
}

// plan is a node of EXPLAIN's answer.
type plan struct {
	Node     string  `json:"Node Type"`
	Schema   string  `json:"Schema"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Plan Rows"`
	Plans    []plan
}

func (p plan) costs(ctx context.Context, tx pgx.Tx) (all []string, err error) {
	switch p.Node {
	case "Seq Scan":
		var rows float64
		name := pgx.Identifier{p.Schema, p.Relation}.Sanitize()
		if err := tx.QueryRow(ctx, `SELECT reltuples::float8 FROM pg_class WHERE oid = to_regclass($1)`, name).Scan(&rows); err != nil {
			return nil, err
		}
		if rows >= costlyRows {
			all = append(all, fmt.Sprintf("reads all of about %.0f rows of %s.%s", rows, p.Schema, p.Relation))
		}
	case "Sort":
		if p.Rows >= costlySort {
			all = append(all, fmt.Sprintf("sorts about %.0f rows", p.Rows))
		}
	}
	for _, below := range p.Plans {
		found, err := below.costs(ctx, tx)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
