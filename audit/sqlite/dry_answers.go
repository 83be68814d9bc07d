package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mailaudit/audit"
)

func (s *Store) KeepDryAnswers(ctx context.Context, day string, answers []audit.DryAnswer) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM dry_answers WHERE day <> ?`, day); err != nil {
			return err
		}
		for _, a := range answers {
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO dry_answers (account_id, day, fingerprint, name, said) VALUES (?, ?, ?, ?, ?)`,
				a.AccountID, day, a.Fingerprint, a.Name, a.Said); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep a dry run's answers: %w", err)
	}
	return nil
}

func (s *Store) TakeDryAnswers(ctx context.Context, day, runKey string, accountIDs []string) (map[string]audit.DryAnswer, error) {
	taken := map[string]audit.DryAnswer{}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `UPDATE dry_answers SET taken_by = ?2 WHERE day = ?1 AND taken_by IN ('', ?2)
			AND account_id IN (SELECT value FROM json_each(?3)) RETURNING account_id, fingerprint, name, said`, day, runKey, array(accountIDs))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a audit.DryAnswer
			if err := rows.Scan(&a.AccountID, &a.Fingerprint, &a.Name, &a.Said); err != nil {
				return err
			}
			taken[a.AccountID] = a
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("take a dry run's answers: %w", err)
	}
	return taken, nil
}
