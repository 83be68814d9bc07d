package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mailaudit/audit"
)

// replacedUsed are the attempts of a refresh token that another has taken the place of: it is not sent any more that day.
const replacedUsed = 1 << 20

func (s *Store) ReplaceSecret(ctx context.Context, r audit.Renewal) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var held bool
		res, err := tx.ExecContext(ctx, `UPDATE mail_accounts SET secret = ? WHERE account_id = ? AND secret = ?`, r.New, r.AccountID, r.Old)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM mail_accounts WHERE account_id = ?)`, r.AccountID).Scan(&held); err != nil {
				return err
			}
			if !held {
				return audit.ErrNoAccount
			}
			return audit.ErrMoved
		}
		if r.OldFingerprint == r.NewFingerprint {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE account_states SET
				fingerprint = CASE WHEN fingerprint IN (?1, nullif(?4, '')) THEN ?2 ELSE fingerprint END,
				accepted_fingerprint = CASE WHEN accepted_fingerprint IN (?1, nullif(?4, '')) THEN ?2 ELSE accepted_fingerprint END,
				accepted_binding = CASE WHEN accepted_fingerprint IN (?1, nullif(?4, '')) THEN ?5 ELSE accepted_binding END,
				tried_fingerprint = CASE WHEN tried_fingerprint IN (?1, nullif(?4, '')) THEN ?2 ELSE tried_fingerprint END
			WHERE account_id = ?3`, r.OldFingerprint, r.NewFingerprint, r.AccountID, r.Released, r.Binding); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO attempts (day, login, secret, used)
				SELECT day, ?1, ?2, used FROM attempts WHERE day = ?3 AND login = ?4 AND secret = ?5
			ON CONFLICT (day, login, secret) DO UPDATE SET used = attempts.used + excluded.used`,
			r.NewAttempt.Login, r.NewAttempt.Secret, r.Day, r.OldAttempt.Login, r.OldAttempt.Secret); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO attempts (day, login, secret, used) VALUES (?, ?, ?, ?)
			ON CONFLICT (day, login, secret) DO UPDATE SET used = excluded.used`, r.Day, r.OldAttempt.Login, r.OldAttempt.Secret, replacedUsed)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace secret of account %s: %w", r.AccountID, err)
	}
	return nil
}
