package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mailaudit/audit"
	"mailaudit/providers"
)

// concerned are the accounts that a run saw accepted with a password: run, provider, brands.
var concerned = `run_key = ?1 AND run_verdict IN ('compliant', 'unproven', 'single_factor')
	AND ` + resultField("Provider") + ` = ?2 AND (?3 = '[]' OR ` + resultField("Brand") + ` IN (SELECT value FROM json_each(?3)))
	AND ` + resultField("Mechanism") + ` NOT IN ('XOAUTH2', 'OAUTHBEARER')`

func (s *Store) CountConcerned(ctx context.Context, run audit.Run, c providers.Change) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM account_states WHERE `+concerned, run.Key, c.Provider, array(c.Brands)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count whom %s concerns: %w", c.ID, err)
	}
	return n, nil
}

func (s *Store) Unwarned(ctx context.Context, run audit.Run, w audit.Warning, shadow bool, after string, limit int) ([]audit.Unwarned, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, run_verdict, since, coalesce((SELECT max(n.notice_id) FROM notice_items i JOIN notices n USING (notice_id)
			WHERE i.account_id = account_states.account_id AND n.purpose = ?4 AND n.state IN ('sent', 'ambiguous')), 0)
		FROM account_states WHERE `+concerned+` AND account_id > ?5
		AND NOT EXISTS (SELECT 1 FROM notice_items i JOIN notices n USING (notice_id) WHERE i.account_id = account_states.account_id
			AND (n.purpose = ?6 AND n.state <> 'suppressed' AND (n.state <> 'shadowed' OR ?7)
				OR substr(n.purpose, 1, length(?8)) = ?8 AND n.state IN ('forming', 'queued', 'held', 'sending')))
		ORDER BY account_id LIMIT ?9`,
		run.Key, w.Provider, array(w.Brands), w.First(), after, w.Occasion(), shadow, w.Series(), limit)
	all, err := collect(rows, err, func(row scanner) (u audit.Unwarned, err error) {
		err = row.Scan(&u.AccountID, &u.Verdict, scanTime{&u.Since}, &u.Thread)
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("read who is to be warned of %s: %w", w.ID, err)
	}
	return all, nil
}

func (s *Store) Draft(ctx context.Context, run audit.Run, drafts []audit.Draft) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var concluding bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE run_key = ? AND phase = 'concluding')`,
			run.Key).Scan(&concluding); err != nil || !concluding {
			return err
		}
		for _, d := range drafts {
			if err := insertDraft(ctx, tx, run, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("draft notices of run %s: %w", run.Key, err)
	}
	return nil
}
