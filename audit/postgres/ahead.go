package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
	"mailaudit/providers"
)

// concerned are the accounts that a run saw accepted with a password: run, provider, brands.
const concerned = `s.run_key = $1 AND s.run_verdict IN ('compliant', 'unproven', 'single_factor')
	AND s.run_provider = $2 AND ($3::text[] = '{}' OR s.run_result->>'Brand' = ANY($3))
	AND s.run_result->>'Mechanism' NOT IN ('XOAUTH2', 'OAUTHBEARER')`

func (s *Store) CountConcerned(ctx context.Context, run audit.Run, c providers.Change) (int, error) {
	var n int
	err := s.step(ctx, func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, `SELECT count(*) FROM mailaudit.account_states s WHERE `+concerned, run.Key, c.Provider, list(c.Brands)).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count whom %s concerns: %w", c.ID, err)
	}
	return n, nil
}

func (s *Store) Unwarned(ctx context.Context, run audit.Run, w audit.Warning, shadow bool, after string, limit int) ([]audit.Unwarned, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (u audit.Unwarned, err error) {
		err = row.Scan(&u.AccountID, &u.Verdict, scanTime{&u.Since}, &u.Thread)
		return u, err
	}, `SELECT s.account_id, s.run_verdict, s.since, coalesce((SELECT max(n.notice_id) FROM mailaudit.notice_items i JOIN mailaudit.notices n USING (notice_id)
			WHERE i.account_id = s.account_id AND n.purpose = $4 AND n.state IN ('sent', 'ambiguous')), 0)
		FROM mailaudit.account_states s WHERE `+concerned+` AND s.account_id > $5
		AND NOT EXISTS (SELECT FROM mailaudit.notice_items i JOIN mailaudit.notices n USING (notice_id) WHERE i.account_id = s.account_id
			AND (n.purpose = $6 AND n.state <> 'suppressed' AND (n.state <> 'shadowed' OR $7)
				OR starts_with(n.purpose, $8) AND n.state IN ('forming', 'queued', 'held', 'sending')))
		ORDER BY s.account_id LIMIT $9`,
		run.Key, w.Provider, list(w.Brands), w.First(), after, w.Occasion(), shadow, w.Series(), limit)
	if err != nil {
		return nil, fmt.Errorf("read who is to be warned of %s: %w", w.ID, err)
	}
	return all, nil
}

func (s *Store) Draft(ctx context.Context, run audit.Run, drafts []audit.Draft) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT FROM mailaudit.runs WHERE run_key = $1 AND phase = 'concluding' FOR NO KEY UPDATE`, run.Key)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		put := &pgx.Batch{}
		for _, d := range drafts {
			queueDraft(put, run, d)
		}
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return fmt.Errorf("draft notices of run %s: %w", run.Key, err)
	}
	return nil
}
