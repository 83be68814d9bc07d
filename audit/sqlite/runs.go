package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

const runColumns = `run_key, seq, status, phase, scope, started_at, deadline, planned_to, accounts, finished_at,
	heartbeat_at, stop_reason, numbers, posting_at, posted_at, posted_ref`

func scanRun(row scanner) (audit.Run, error) {
	var r audit.Run
	var scope string
	var numbers sql.NullString
	err := row.Scan(&r.Key, &r.Seq, &r.Status, &r.Phase, &scope, scanTime{&r.StartedAt}, scanTime{&r.Deadline}, &r.PlannedTo,
		&r.Accounts, scanTime{&r.FinishedAt}, scanTime{&r.HeartbeatAt}, &r.StopReason, &numbers,
		scanTime{&r.PostingAt}, scanTime{&r.PostedAt}, &r.PostedRef)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(scope), &r.Scope); err != nil {
		return r, fmt.Errorf("scope of run %s: %w", r.Key, err)
	}
	if numbers.Valid {
		r.Numbers = new(audit.Numbers)
		if err := json.Unmarshal([]byte(numbers.String), r.Numbers); err != nil {
			return r, fmt.Errorf("numbers of run %s: %w", r.Key, err)
		}
	}
	return r, nil
}

func (s *Store) StartRun(ctx context.Context, r audit.Run) (audit.Run, bool, error) {
	scope, err := json.Marshal(r.Scope)
	if err != nil {
		return r, false, err
	}
	res, err := s.db.ExecContext(ctx, `INSERT INTO runs (run_key, seq, status, phase, scope, whole, started_at, deadline, heartbeat_at)
		VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM runs), ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_key) DO NOTHING`,
		r.Key, string(audit.RunRunning), string(audit.PhasePlanning), string(scope), r.Scope.Whole(),
		micros(r.StartedAt), micros(r.Deadline), micros(r.StartedAt))
	if err != nil {
		return r, false, fmt.Errorf("start run %s: %w", r.Key, err)
	}
	created, err := res.RowsAffected()
	if err != nil {
		return r, false, err
	}
	stored, err := s.LoadRun(ctx, r.Key)
	return stored, created == 1, err
}

func (s *Store) LoadRun(ctx context.Context, key string) (audit.Run, error) {
	r, err := scanRun(s.db.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE run_key = ?`, key))
	return r, orNoRun(key, err)
}

func orNoRun(key string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("run %q: %w", key, audit.ErrNoRun)
	}
	if err != nil {
		return fmt.Errorf("read run %s: %w", key, err)
	}
	return nil
}

func (s *Store) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+runColumns+` FROM runs
		WHERE NOT ? OR (phase <> 'done' AND status <> 'stopped') ORDER BY seq DESC LIMIT ?`, openOnly, limit)
	all, err := collect(rows, err, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return all, nil
}

func (s *Store) UndoneRuns(ctx context.Context, limit int) ([]audit.Run, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+runColumns+` FROM (SELECT * FROM runs ORDER BY seq DESC LIMIT ?)
		WHERE (phase <> 'done' AND status <> 'stopped') OR posted_at IS NULL ORDER BY seq DESC`, limit)
	all, err := collect(rows, err, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read undone runs: %w", err)
	}
	return all, nil
}

func (s *Store) ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error) {
	r, err := scanRun(s.db.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs
		WHERE seq < ? AND status = 'concluded' AND whole ORDER BY seq DESC LIMIT 1`, seq))
	return r, orNoRun("before", err)
}

func (s *Store) Expire(ctx context.Context, key string, now time.Time) error {
	return s.exec(ctx, "expire run", `UPDATE runs SET deadline = min(deadline, ?) WHERE run_key = ?`, micros(now), key)
}

func (s *Store) Beat(ctx context.Context, key string, now time.Time) error {
	return s.exec(ctx, "note work on run", `UPDATE runs SET heartbeat_at = ?,
		status = CASE status WHEN 'incomplete' THEN 'running' ELSE status END WHERE run_key = ?`, micros(now), key)
}

func (s *Store) Interrupt(ctx context.Context, key string) error {
	return s.exec(ctx, "interrupt run", `UPDATE runs SET status = 'incomplete' WHERE run_key = ? AND status = 'running'`, key)
}

func (s *Store) Stop(ctx context.Context, key, reason string, now time.Time) error {
	return s.exec(ctx, "stop run", `UPDATE runs SET status = 'stopped', stop_reason = ?, finished_at = ?
		WHERE run_key = ? AND status <> 'concluded'`, reason, micros(now), key)
}

func (s *Store) Conclude(ctx context.Context, key string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET phase = 'concluding' WHERE run_key = ? AND phase IN ('planning', 'verifying')`, key); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO by_traffic (run_key, ids) SELECT run_key, json_group_array(account_id) FROM (
			SELECT run_key, account_id FROM account_states WHERE run_key = ? AND run_traffic ORDER BY account_id) GROUP BY run_key`, key)
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
	return s.exec(ctx, "finish run", `UPDATE runs SET phase = 'done', status = 'concluded', numbers = ?, accounts = ?, finished_at = ?
		WHERE run_key = ? AND phase = 'concluding'`, string(numbers), n.Accounts, micros(now), key)
}

func (s *Store) Posting(ctx context.Context, key string, was, now time.Time) error {
	return s.move(ctx, "mark summary", `UPDATE runs SET posting_at = ?
		WHERE run_key = ? AND posting_at IS ? AND posted_at IS NULL`, micros(now), key, micros(was))
}

func (s *Store) Posted(ctx context.Context, key, ref string, now time.Time) error {
	return s.exec(ctx, "mark summary", `UPDATE runs SET posted_at = ?, posted_ref = ? WHERE run_key = ?`, micros(now), ref, key)
}

// move is exec for a step that another process may have taken already.
func (s *Store) move(ctx context.Context, doing, query string, args ...any) error {
	res, err := s.db.ExecContext(ctx, query, args...)
	if err == nil {
		err = moved(res)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// moved returns ErrMoved where a step changed nothing.
func moved(res sql.Result) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return audit.ErrMoved
	}
	return err
}

func (s *Store) exec(ctx context.Context, doing, query string, args ...any) error {
	if _, err := s.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
