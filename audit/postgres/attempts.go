package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

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

// reserve takes one attempt each for logins that differ from each other: it counts what was there before.
const reserve = `INSERT INTO mailaudit.attempts AS a (day, login, secret, used)
	SELECT $1::text::date, u.login, u.secret, 1 FROM unnest($2::text[], $3::text[]) AS u (login, secret)
	WHERE EXISTS (SELECT FROM mailaudit.attempts b WHERE b.day = $1::text::date AND b.login = u.login AND b.secret = u.secret AND b.used > 0)
		OR (SELECT count(*) FROM mailaudit.attempts b WHERE b.day = $1::text::date AND b.login = u.login AND b.used > 0) < $5
	ON CONFLICT (day, login, secret) DO UPDATE SET used = a.used + 1 WHERE a.used < $4
	RETURNING a.login`

func (s *Store) Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error) {
	granted := make([]bool, len(keys))
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		put := &pgx.Batch{}
		put.Queue(forgetAttempts, day)
		put.Queue(lockLogins, column(keys, loginOf))
		clear(granted)
		for _, wave := range waves(keys) {
			places := make(map[string]int, len(wave))
			for _, i := range wave {
				places[keys[i].Login] = i
			}
			put.Queue(reserve, day, column(wave, func(i int) string { return keys[i].Login }),
				column(wave, func(i int) string { return keys[i].Secret }), limit.PerSecret, limit.Secrets).Query(func(rows pgx.Rows) error {
				logins, err := pgx.CollectRows(rows, pgx.RowTo[string])
				for _, login := range logins {
					granted[places[login]] = true
				}
				return err
			})
		}
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("reserve attempts: %w", err)
	}
	return granted, nil
}

func loginOf(k audit.AttemptKey) string { return k.Login }

// waves parts the places of keys so that no login is twice in a wave, and a login's keys keep their order.
func waves(keys []audit.AttemptKey) (waves [][]int) {
	met := make(map[string]int, len(keys))
	for i, k := range keys {
		n := met[k.Login]
		met[k.Login]++
		if n == len(waves) {
			waves = append(waves, nil)
		}
		waves[n] = append(waves[n], i)
	}
	return waves
}

func (s *Store) GiveBack(ctx context.Context, day, once string, keys []audit.AttemptKey) error {
	// The first row notes, among the attempts of its day, that these were given back.
	return s.exec(ctx, "give back attempts", `WITH first AS (
			INSERT INTO mailaudit.attempts (day, login, secret, used) VALUES ($1::text::date, 'given back', $4, 0) ON CONFLICT DO NOTHING RETURNING secret)
		UPDATE mailaudit.attempts a SET used = greatest(0, a.used - back.n)
		FROM first, (SELECT login, secret, count(*) AS n FROM unnest($2::text[], $3::text[]) AS u (login, secret) GROUP BY login, secret) back
		WHERE a.day = $1::text::date AND a.login = back.login AND a.secret = back.secret`, day,
		column(keys, loginOf),
		column(keys, func(k audit.AttemptKey) string { return k.Secret }), once)
}
