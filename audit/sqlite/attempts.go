package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"mailaudit/audit"
)

// attemptDays is how long attempts are kept: today, and yesterday for clocks that differ.
const attemptDays = 2

const forgetAttempts = `DELETE FROM attempts WHERE day < date(?, ?)`

// givenBack notes, among the attempts of its day, that some were given back.
const givenBack = `INSERT OR IGNORE INTO attempts (day, login, secret, used) VALUES (?, 'given back', ?, 0)`

const reserve = `INSERT INTO attempts (day, login, secret, used)
	SELECT ?1, ?2, ?3, 1 WHERE EXISTS (SELECT 1 FROM attempts WHERE day = ?1 AND login = ?2 AND secret = ?3 AND used > 0)
		OR (SELECT count(*) FROM attempts WHERE day = ?1 AND login = ?2 AND used > 0) < ?5
	ON CONFLICT (day, login, secret) DO UPDATE SET used = used + 1 WHERE used < ?4`

func (s *Store) Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error) {
	granted := make([]bool, len(keys))
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		// The driver watches a context that may end from a goroutine of its own, for each statement.
		ctx := context.WithoutCancel(ctx)
		if _, err := tx.ExecContext(ctx, forgetAttempts, day, fmt.Sprintf("-%d days", attemptDays)); err != nil {
			return err
		}
		take, err := tx.PrepareContext(ctx, reserve)
		if err != nil {
			return err
		}
		defer take.Close()
		for i, k := range keys {
			res, err := take.ExecContext(ctx, day, k.Login, k.Secret, limit.PerSecret, limit.Secrets)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			granted[i] = n == 1
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reserve attempts: %w", err)
	}
	return granted, nil
}

func (s *Store) GiveBack(ctx context.Context, day, once string, keys []audit.AttemptKey) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, givenBack, day, once)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); n == 0 {
			return err
		}
		for _, k := range keys {
			if _, err := tx.ExecContext(ctx, `UPDATE attempts SET used = used - 1
				WHERE day = ? AND login = ? AND secret = ? AND used > 0`, day, k.Login, k.Secret); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("give back attempts: %w", err)
	}
	return nil
}
