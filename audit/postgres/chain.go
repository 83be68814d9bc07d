package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
	"mailaudit/audit/history"
)

func (s *Store) Links(ctx context.Context, after int64, limit int) ([]audit.Link, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (l audit.Link, err error) {
		err = row.Scan(&l.N, &l.Text, &l.Signature)
		return l, err
	}, `SELECT n, statement, signature FROM mailaudit.chain WHERE n > $1 ORDER BY n LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the chain of evidence: %w", err)
	}
	return all, nil
}

func (s *Store) AddLink(ctx context.Context, l audit.Link) error {
	n, err := s.count(ctx, "add to the chain of evidence", `INSERT INTO mailaudit.chain (n, statement, signature) VALUES ($1, $2, $3)
		ON CONFLICT (n) DO NOTHING`, l.N, l.Text, l.Signature)
	if err == nil && n == 0 {
		err = fmt.Errorf("add to the chain of evidence: %w", audit.ErrMoved)
	}
	return err
}

// epoch writes a time as a number that no session's time zone changes.
func epoch(column string) string {
	return `coalesce((extract(epoch FROM ` + column + `) * 1000000)::bigint::text, '')`
}

// evidenceRows are read page by page.
var evidenceRows = []struct {
	table, query string
	args         func(run audit.Run, after string) []any
	once         bool // one page
}{
	{"runs", `SELECT run_key, seq::text, status, scope::text, ` + epoch("started_at") + `, ` + epoch("deadline") + `, ` + epoch("finished_at") + `,
			accounts::text, stop_reason, coalesce(numbers::text, '')
		FROM mailaudit.runs WHERE run_key = $1`,
		func(run audit.Run, _ string) []any { return []any{run.Key} }, true},
	{"run_notes", `SELECT account_id, finding::text FROM mailaudit.run_notes
		WHERE run_key = $1 AND account_id > $2 ORDER BY account_id LIMIT $3`,
		func(run audit.Run, after string) []any { return []any{run.Key, after, history.FindingsPage} }, false},
	{"verdict_changes", `SELECT account_id, seq::text, run_key, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, ` + epoch("since") + `, rule, reply, reason
		FROM mailaudit.verdict_changes c
		WHERE account_id > $2 AND (verdict <> 'gone' OR seq = $1) AND ($4 OR seq = $1)
			AND seq = (SELECT max(seq) FROM mailaudit.verdict_changes WHERE account_id = c.account_id AND seq <= $1)
		ORDER BY account_id LIMIT $3`,
		func(run audit.Run, after string) []any {
			return []any{run.Seq, after, history.FindingsPage, run.Scope.Whole()}
		}, false},
	{"attested", `SELECT account_id, attested FROM mailaudit.verdict_changes c
		WHERE account_id > $2 AND attested <> '' AND (verdict <> 'gone' OR seq = $1) AND ($4 OR seq = $1)
			AND seq = (SELECT max(seq) FROM mailaudit.verdict_changes WHERE account_id = c.account_id AND seq <= $1)
		ORDER BY account_id LIMIT $3`,
		func(run audit.Run, after string) []any {
			return []any{run.Seq, after, history.FindingsPage, run.Scope.Whole()}
		}, false},
	{"by_traffic", `SELECT run_key, array_to_json(ids)::text FROM mailaudit.by_traffic WHERE run_key = $1`,
		func(run audit.Run, _ string) []any { return []any{run.Key} }, true},
}

func (s *Store) EvidenceRows(ctx context.Context, run audit.Run, facts []string, each func(table string, columns ...string) error) error {
	kept, err := s.Facts(ctx, run.Key, "")
	if err != nil {
		return err
	}
	if err := history.EachFact(kept, facts, each); err != nil {
		return err
	}
	for _, part := range evidenceRows {
		for after := ""; ; {
			page, err := collect(ctx, s.pool, scanTexts, part.query, part.args(run, after)...)
			if err != nil {
				return fmt.Errorf("read %s of run %s: %w", part.table, run.Key, err)
			}
			for _, columns := range page {
				if err := each(part.table, columns...); err != nil {
					return err
				}
			}
			if part.once || len(page) < history.FindingsPage {
				break
			}
			after = page[len(page)-1][0]
		}
	}
	return nil
}

// scanTexts takes a row whose columns are all text.
func scanTexts(row pgx.CollectableRow) ([]string, error) {
	columns := make([]string, len(row.FieldDescriptions()))
	into := make([]any, len(columns))
	for i := range columns {
		into[i] = &columns[i]
	}
	return columns, row.Scan(into...)
}
