package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
)

// Attempts are kept for today, and two days more for clocks and zones that differ. Each call takes some old
// ones away and leaves alone those that another is taking.
const forgetAttempts = `DELETE FROM mailaudit.attempts WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM mailaudit.attempts WHERE day < $1::text::date - 2 LIMIT 500 FOR UPDATE SKIP LOCKED))`

// lockLogins lets one process at a time count the secrets of a login. The locks end with the transaction;
// they are taken in one order, so that two processes do not wait for each other.
const lockLogins = `SELECT pg_advisory_xact_lock(l) FROM (
	SELECT DISTINCT hashtextextended('mailaudit login ' || login, 0) AS l FROM unnest($1::text[]) AS login ORDER BY l) locks`

const reserve = `INSERT INTO mailaudit.attempts AS a (day, login, secret, used)
	SELECT $1::text::date, $2, $3, 1
	WHERE EXISTS (SELECT FROM mailaudit.attempts WHERE day = $1::text::date AND login = $2 AND secret = $3)
		OR (SELECT count(*) FROM mailaudit.attempts WHERE day = $1::text::date AND login = $2 AND used > 0) < $5
	ON CONFLICT (day, login, secret) DO UPDATE SET used = a.used + 1 WHERE a.used < $4`

func (s *Store) Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error) {
	granted := make([]bool, len(keys))
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		put := &pgx.Batch{}
		put.Queue(forgetAttempts, day)
		put.Queue(lockLogins, column(keys, func(k audit.AttemptKey) string { return k.Login }))
		for i, k := range keys {
			put.Queue(reserve, day, k.Login, k.Secret, limit.PerSecret, limit.Secrets).Exec(func(tag pgconn.CommandTag) error {
				granted[i] = tag.RowsAffected() == 1
				return nil
			})
		}
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("reserve attempts: %w", err)
	}
	return granted, nil
}

func (s *Store) GiveBack(ctx context.Context, day string, keys []audit.AttemptKey) error {
	return s.exec(ctx, "give back attempts", `UPDATE mailaudit.attempts a SET used = greatest(0, a.used - back.n)
		FROM (SELECT login, secret, count(*) AS n FROM unnest($2::text[], $3::text[]) AS u (login, secret) GROUP BY login, secret) back
		WHERE a.day = $1::text::date AND a.login = back.login AND a.secret = back.secret`, day,
		column(keys, func(k audit.AttemptKey) string { return k.Login }),
		column(keys, func(k audit.AttemptKey) string { return k.Secret }))
}
