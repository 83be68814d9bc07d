package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
)

func (s *Store) Plan(ctx context.Context, key, from, to string, batches []audit.Batch, accounts int, last bool) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE runs SET planned_to = ?, accounts = accounts + ?,
			phase = CASE WHEN ? THEN 'verifying' ELSE phase END
			WHERE run_key = ? AND planned_to = ? AND phase = 'planning'`, to, accounts, last, key, from)
		if err != nil {
			return err
		}
		if err := moved(res); err != nil {
			return err
		}
		for _, b := range batches {
			if err := insertBatch(ctx, tx, key, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("plan run %s: %w", key, err)
	}
	return nil
}

func insertBatch(ctx context.Context, tx *sql.Tx, key string, b audit.Batch) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO batches (run_key, n, provider, try, doubtful, due_at, ids)
		VALUES (?, (SELECT coalesce(max(n), 0) + 1 FROM batches WHERE run_key = ?), ?, ?, ?, ?, ?)`,
		key, key, b.Provider, b.Try, b.Doubtful, micros(b.DueAt), array(b.IDs))
	return err
}

func (s *Store) OpenBatches(ctx context.Context, key string) ([]audit.Batch, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n, provider, try, doubtful, due_at FROM batches
		WHERE run_key = ? AND NOT done ORDER BY n`, key)
	all, err := collect(rows, err, func(row scanner) (audit.Batch, error) {
		b := audit.Batch{RunKey: key}
		err := row.Scan(&b.N, &b.Provider, &b.Try, &b.Doubtful, scanTime{&b.DueAt})
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("read batches of run %s: %w", key, err)
	}
	return all, nil
}

func (s *Store) NextBatches(ctx context.Context, key string, now time.Time, each int) ([]audit.Batch, bool, error) {
	all, err := s.OpenBatches(ctx, key)
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(all, func(x, y audit.Batch) int {
		switch {
		case x.Doubtful == y.Doubtful:
			return 0
		case x.Doubtful:
			return -1
		}
		return 1
	})
	var due []audit.Batch
	of := map[string]int{}
	for _, b := range all {
		if !b.DueAt.After(now) && of[b.Provider] < each {
			of[b.Provider]++
			due = append(due, b)
		}
	}
	return due, len(all) > 0, nil
}

func (s *Store) LoadBatch(ctx context.Context, key string, n int) (audit.Batch, bool, error) {
	b := audit.Batch{RunKey: key, N: n}
	var ids string
	var done bool
	err := s.db.QueryRowContext(ctx, `SELECT provider, try, doubtful, due_at, ids, done FROM batches
		WHERE run_key = ? AND n = ?`, key, n).Scan(&b.Provider, &b.Try, &b.Doubtful, scanTime{&b.DueAt}, &ids, &done)
	if err == nil {
		if err = json.Unmarshal([]byte(ids), &b.IDs); err != nil {
			err = &audit.RowError{Err: err}
		}
	}
	if err != nil {
		return b, false, fmt.Errorf("read batch %d of run %s: %w", n, key, err)
	}
	return b, done, nil
}

func (s *Store) CloseBatch(ctx context.Context, key string, n int, retry *audit.Batch) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE batches SET done = 1 WHERE run_key = ? AND n = ? AND NOT done
			AND run_key IN (SELECT run_key FROM runs WHERE phase IN ('planning', 'verifying'))`, key, n)
		if err != nil {
			return err
		}
		closed, err := res.RowsAffected()
		if err != nil || closed == 0 || retry == nil {
			return err
		}
		return insertBatch(ctx, tx, key, *retry)
	})
	if err != nil {
		return fmt.Errorf("close batch %d of run %s: %w", n, key, err)
	}
	return nil
}
