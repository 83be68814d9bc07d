package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

const runColumns = `run_key, seq, status, phase, scope::text, started_at, deadline, planned_to, accounts, finished_at,
	heartbeat_at, stop_reason, numbers::text, posting_at, posted_at, posted_ref`

func scanRun(row pgx.CollectableRow) (audit.Run, error) {
	var r audit.Run
	var scope string
	var numbers *string
	err := row.Scan(&r.Key, &r.Seq, &r.Status, &r.Phase, &scope, scanTime{&r.StartedAt}, scanTime{&r.Deadline}, &r.PlannedTo,
		&r.Accounts, scanTime{&r.FinishedAt}, scanTime{&r.HeartbeatAt}, &r.StopReason, &numbers,
		scanTime{&r.PostingAt}, scanTime{&r.PostedAt}, &r.PostedRef)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(scope), &r.Scope); err != nil {
		return r, fmt.Errorf("scope of run %s: %w", r.Key, err)
	}
	if numbers != nil {
		r.Numbers = new(audit.Numbers)
		if err := json.Unmarshal([]byte(*numbers), r.Numbers); err != nil {
			return r, fmt.Errorf("numbers of run %s: %w", r.Key, err)
		}
	}
	return r, nil
}

// startLock serialises the starts of runs, which are numbered without gaps.
const startLock = `SELECT pg_advisory_xact_lock(hashtextextended('mailaudit start', 0))`

func (s *Store) StartRun(ctx context.Context, r audit.Run) (audit.Run, bool, error) {
	scope, err := json.Marshal(r.Scope)
	if err != nil {
		return r, false, err
	}
	var created bool
	err = s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, startLock); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO mailaudit.runs (run_key, seq, status, phase, scope, whole, started_at, deadline, heartbeat_at)
			VALUES ($1, (SELECT coalesce(max(seq), 0) + 1 FROM mailaudit.runs), $2, $3, $4::text::json, $5, $6, $7, $6)
			ON CONFLICT (run_key) DO NOTHING`,
			r.Key, string(audit.RunRunning), string(audit.PhasePlanning), string(scope), r.Scope.Whole(), timestamp(r.StartedAt), timestamp(r.Deadline))
		created = tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return r, false, fmt.Errorf("start run %s: %w", r.Key, err)
	}
	stored, err := s.LoadRun(ctx, r.Key)
	return stored, created, err
}

func (s *Store) LoadRun(ctx context.Context, key string) (audit.Run, error) {
	r, err := one(ctx, s.pool, scanRun, `SELECT `+runColumns+` FROM mailaudit.runs WHERE run_key = $1`, key)
	return r, orNoRun(key, err)
}

func orNoRun(key string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("run %q: %w", key, audit.ErrNoRun)
	}
	if err != nil {
		return fmt.Errorf("read run %s: %w", key, err)
	}
	return nil
}

func (s *Store) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	all, err := collect(ctx, s.pool, scanRun, `SELECT `+runColumns+` FROM mailaudit.runs
		WHERE NOT $1 OR (phase <> 'done' AND status <> 'stopped') ORDER BY seq DESC LIMIT $2`, openOnly, limit)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return all, nil
}

func (s *Store) UndoneRuns(ctx context.Context, limit int) ([]audit.Run, error) {
	all, err := collect(ctx, s.pool, scanRun, `SELECT `+runColumns+` FROM (SELECT * FROM mailaudit.runs ORDER BY seq DESC LIMIT $1) AS latest
		WHERE (phase <> 'done' AND status <> 'stopped') OR posted_at IS NULL ORDER BY seq DESC`, limit)
	if err != nil {
		return nil, fmt.Errorf("read undone runs: %w", err)
	}
	return all, nil
}

func (s *Store) ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error) {
	all, err := s.concludedBefore(ctx, seq, 1)
	if err == nil && len(all) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return audit.Run{}, orNoRun("before", err)
	}
	return all[0], nil
}

func (s *Store) concludedBefore(ctx context.Context, seq int64, limit int) ([]audit.Run, error) {
	return collect(ctx, s.pool, scanRun, `SELECT `+runColumns+` FROM mailaudit.runs
		WHERE seq < $1 AND status = 'concluded' AND whole ORDER BY seq DESC LIMIT $2`, seq, limit)
}

func (s *Store) Expire(ctx context.Context, key string, now time.Time) error {
	return s.exec(ctx, "expire run", `UPDATE mailaudit.runs SET deadline = least(deadline, $1) WHERE run_key = $2`, timestamp(now), key)
}

func (s *Store) Prolong(ctx context.Context, key string, deadline time.Time) error {
	return s.exec(ctx, "prolong run", `UPDATE mailaudit.runs SET deadline = greatest(deadline, $1)
		WHERE run_key = $2 AND phase <> 'done'`, timestamp(deadline), key)
}

func (s *Store) Beat(ctx context.Context, key string, now time.Time) error {
	return s.exec(ctx, "note work on run", `UPDATE mailaudit.runs SET heartbeat_at = greatest(heartbeat_at, $1),
		status = CASE status WHEN 'incomplete' THEN 'running' ELSE status END
		WHERE run_key = $2 AND phase <> 'done' AND status <> 'stopped'`, timestamp(now), key)
}

func (s *Store) Interrupt(ctx context.Context, key string) error {
	return s.exec(ctx, "interrupt run", `UPDATE mailaudit.runs SET status = 'incomplete' WHERE run_key = $1 AND status = 'running'`, key)
}

func (s *Store) Stop(ctx context.Context, key, reason string, now time.Time) error {
	return s.exec(ctx, "stop run", `UPDATE mailaudit.runs SET status = 'stopped', stop_reason = $1, finished_at = $2
		WHERE run_key = $3 AND status <> 'concluded'`, clean(reason), timestamp(now), key)
}

func (s *Store) Conclude(ctx context.Context, key string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE mailaudit.runs SET phase = 'concluding' WHERE run_key = $1 AND phase IN ('planning', 'verifying')`, key); err != nil {
			return err
		}
		// A statement of its own: what was recorded while the other one waited is seen.
		_, err := tx.Exec(ctx, `INSERT INTO mailaudit.by_traffic (run_key, ids) SELECT run_key, array_agg(account_id ORDER BY account_id)
			FROM mailaudit.account_states WHERE run_key = $1 AND run_traffic GROUP BY run_key ON CONFLICT DO NOTHING`, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("conclude run: %w", err)
	}
	return nil
}

func (s *Store) Finish(ctx context.Context, key string, n audit.Numbers, now time.Time) error {
	numbers, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.exec(ctx, "finish run", `UPDATE mailaudit.runs SET phase = 'done', status = 'concluded',
		numbers = $1::text::json, accounts = $2, finished_at = $3
		WHERE run_key = $4 AND phase = 'concluding'`, string(numbers), n.Accounts, timestamp(now), key)
}

func (s *Store) Posting(ctx context.Context, key string, was, now time.Time) error {
	return s.move(ctx, "mark summary", `UPDATE mailaudit.runs SET posting_at = $1
		WHERE run_key = $2 AND posting_at IS NOT DISTINCT FROM $3 AND posted_at IS NULL`, timestamp(now), key, timestamp(was))
}

func (s *Store) Posted(ctx context.Context, key, ref string, now time.Time) error {
	return s.exec(ctx, "mark summary", `UPDATE mailaudit.runs SET posted_at = $1, posted_ref = $2 WHERE run_key = $3`, timestamp(now), ref, key)
}
