package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

// replacedUsed are the attempts of a refresh token that another has taken the place of: it is not sent any more that day.
const replacedUsed = 1 << 20

func (s *Store) ReplaceSecret(ctx context.Context, r audit.Renewal) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE mailaudit.mail_accounts SET secret = $1 WHERE account_id = $2 AND secret = $3`, r.New, r.AccountID, r.Old)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			var held bool
			err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM mailaudit.mail_accounts WHERE account_id = $1)`, r.AccountID).Scan(&held)
			switch {
			case err != nil:
				return err
			case held:
				return audit.ErrMoved
			}
			return audit.ErrNoAccount
		}
		if r.OldFingerprint == r.NewFingerprint {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE mailaudit.account_states SET
				fingerprint = CASE WHEN fingerprint IN ($1, nullif($4, '')) THEN $2 ELSE fingerprint END,
				accepted_fingerprint = CASE WHEN accepted_fingerprint IN ($1, nullif($4, '')) THEN $2 ELSE accepted_fingerprint END,
				accepted_binding = CASE WHEN accepted_fingerprint IN ($1, nullif($4, '')) THEN $5 ELSE accepted_binding END,
				tried_fingerprint = CASE WHEN tried_fingerprint IN ($1, nullif($4, '')) THEN $2 ELSE tried_fingerprint END
			WHERE account_id = $3`, r.OldFingerprint, r.NewFingerprint, r.AccountID, r.Released, r.Binding); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO mailaudit.attempts AS a (day, login, secret, used)
				SELECT day, $5, $1, used FROM mailaudit.attempts WHERE day = $2::text::date AND login = $3 AND secret = $4
			ON CONFLICT (day, login, secret) DO UPDATE SET used = a.used + excluded.used`,
			r.NewAttempt.Secret, r.Day, r.OldAttempt.Login, r.OldAttempt.Secret, r.NewAttempt.Login); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO mailaudit.attempts (day, login, secret, used) VALUES ($1::text::date, $2, $3, $4)
			ON CONFLICT (day, login, secret) DO UPDATE SET used = excluded.used`, r.Day, r.OldAttempt.Login, r.OldAttempt.Secret, replacedUsed)
		return err
	})
	if err != nil {
		return fmt.Errorf("replace secret of account %s: %w", r.AccountID, err)
	}
	return nil
}
