package sqlite

import (
	"context"
	"fmt"

	"mailaudit/audit"
	"mailaudit/audit/history"
)

func (s *Store) Links(ctx context.Context, after int64, limit int) ([]audit.Link, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n, statement, signature FROM chain WHERE n > ? ORDER BY n LIMIT ?`, after, limit)
	all, err := collect(rows, err, func(row scanner) (l audit.Link, err error) {
		err = row.Scan(&l.N, &l.Text, &l.Signature)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the chain of evidence: %w", err)
	}
	return all, nil
}

func (s *Store) AddLink(ctx context.Context, l audit.Link) error {
	return s.move(ctx, "add to the chain of evidence", `INSERT INTO chain (n, statement, signature) VALUES (?, ?, ?)
		ON CONFLICT (n) DO NOTHING`, l.N, l.Text, l.Signature)
}

// evidenceRows are read page by page; ?1 is the run's key, ?2 its Seq, ?3 the id behind which the page begins, ?4 the
// page's length, ?5 whether the run covers every account.
var evidenceRows = []struct {
	table, query string
	columns      int
	once         bool // one page
}{
	{"runs", `SELECT run_key, CAST(seq AS TEXT), status, scope, CAST(started_at AS TEXT), CAST(deadline AS TEXT), coalesce(CAST(finished_at AS TEXT), ''),
			CAST(accounts AS TEXT), stop_reason, coalesce(numbers, '')
		FROM runs WHERE run_key = ?1 AND ?2 + ?4 + ?5 >= 0 AND ?3 = ''`, 10, true},
	{"run_notes", `SELECT account_id, finding FROM run_notes
		WHERE run_key = ?1 AND account_id > ?3 AND ?2 + ?5 >= 0 ORDER BY account_id LIMIT ?4`, 2, false},
	{"verdict_changes", `SELECT account_id, CAST(seq AS TEXT), run_key, tenant_id, tenant_name, address, provider,
			verdict, previous, two_factor, certainty, actor, CAST(since AS TEXT), rule, reply, reason
		FROM verdict_changes c
		WHERE account_id > ?3 AND (verdict <> 'gone' OR seq = ?2) AND (?5 OR seq = ?2) AND ?1 <> ''
			AND seq = (SELECT max(seq) FROM verdict_changes WHERE account_id = c.account_id AND seq <= ?2)
		ORDER BY account_id LIMIT ?4`, 16, false},
	{"attested", `SELECT account_id, attested FROM verdict_changes c
		WHERE account_id > ?3 AND attested <> '' AND (verdict <> 'gone' OR seq = ?2) AND (?5 OR seq = ?2) AND ?1 <> ''
			AND seq = (SELECT max(seq) FROM verdict_changes WHERE account_id = c.account_id AND seq <= ?2)
		ORDER BY account_id LIMIT ?4`, 2, false},
	{"by_traffic", `SELECT run_key, ids FROM by_traffic WHERE run_key = ?1 AND ?2 + ?4 + ?5 >= 0 AND ?3 = ''`, 2, true},
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
			rows, err := s.db.QueryContext(ctx, part.query, run.Key, run.Seq, after, history.FindingsPage, run.Scope.Whole())
			page, err := collect(rows, err, func(row scanner) ([]string, error) { return scanTexts(row, part.columns) })
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

func scanTexts(row scanner, n int) ([]string, error) {
	columns, into := make([]string, n), make([]any, n)
	for i := range columns {
		into[i] = &columns[i]
	}
	return columns, row.Scan(into...)
}
