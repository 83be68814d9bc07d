package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) Plan(ctx context.Context, key, from, to string, batches []audit.Batch, accounts int, last bool) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var numbered int
		err := tx.QueryRow(ctx, `UPDATE mailaudit.runs SET planned_to = $1, accounts = accounts + $2, batches = batches + $3,
			phase = CASE WHEN $4 THEN 'verifying' ELSE phase END
			WHERE run_key = $5 AND planned_to = $6 AND phase = 'planning' RETURNING batches`,
			to, accounts, len(batches), last, key, from).Scan(&numbered)
		if err == pgx.ErrNoRows {
			return audit.ErrMoved
		}
		if err != nil {
			return err
		}
		return insertBatches(ctx, tx, key, numbered-len(batches), batches)
	})
	if err != nil {
		return fmt.Errorf("plan run %s: %w", key, err)
	}
	return nil
}

// insertBatches numbers batches from first+1 on.
func insertBatches(ctx context.Context, tx pgx.Tx, key string, first int, batches []audit.Batch) error {
	put := &pgx.Batch{}
	for i, b := range batches {
		put.Queue(`INSERT INTO mailaudit.batches (run_key, n, provider, try, doubtful, due_at, ids)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, key, first+i+1, b.Provider, b.Try, b.Doubtful, timestamp(b.DueAt), list(b.IDs))
	}
	return tx.SendBatch(ctx, put).Close()
}

func (s *Store) OpenBatches(ctx context.Context, key string) ([]audit.Batch, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Batch, error) {
		b := audit.Batch{RunKey: key}
		err := row.Scan(&b.N, &b.Provider, &b.Try, &b.Doubtful, scanTime{&b.DueAt})
		return b, err
	}, `SELECT n, provider, try, doubtful, due_at FROM mailaudit.batches WHERE run_key = $1 AND NOT done ORDER BY n`, key)
	if err != nil {
		return nil, fmt.Errorf("read batches of run %s: %w", key, err)
	}
	return all, nil
}

// nextBatches goes from one provider of the index to the next, and looks at no more batches of each than it gives.
const nextBatches = `WITH RECURSIVE p (provider) AS (
		(SELECT provider FROM mailaudit.batches WHERE run_key = $1 AND NOT done ORDER BY provider LIMIT 1)
		UNION ALL
		SELECT (SELECT b.provider FROM mailaudit.batches b WHERE run_key = $1 AND NOT done AND b.provider > p.provider ORDER BY b.provider LIMIT 1)
		FROM p WHERE provider IS NOT NULL
	)
	SELECT n, b.provider, try, doubtful, due_at FROM p CROSS JOIN LATERAL (
		SELECT * FROM mailaudit.batches b
		WHERE run_key = $1 AND b.provider = p.provider AND NOT done AND (due_at IS NULL OR due_at <= $2)
		ORDER BY doubtful DESC, n LIMIT $3
	) b ORDER BY doubtful DESC, n`

func (s *Store) NextBatches(ctx context.Context, key string, now time.Time, each int) ([]audit.Batch, bool, error) {
	due, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Batch, error) {
		b := audit.Batch{RunKey: key}
		err := row.Scan(&b.N, &b.Provider, &b.Try, &b.Doubtful, scanTime{&b.DueAt})
		return b, err
	}, nextBatches, key, now, each)
	open := len(due) > 0
	if err == nil && !open {
		open, err = one(ctx, s.pool, pgx.RowTo[bool], `SELECT EXISTS (SELECT FROM mailaudit.batches WHERE run_key = $1 AND NOT done)`, key)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read next batches of run %s: %w", key, err)
	}
	return due, open, nil
}

func (s *Store) LoadBatch(ctx context.Context, key string, n int) (audit.Batch, bool, error) {
	var done bool
	b, err := one(ctx, s.pool, func(row pgx.CollectableRow) (audit.Batch, error) {
		b := audit.Batch{RunKey: key, N: n}
		err := row.Scan(&b.Provider, &b.Try, &b.Doubtful, scanTime{&b.DueAt}, &b.IDs, &done)
		return b, err
	}, `SELECT provider, try, doubtful, due_at, ids, done FROM mailaudit.batches WHERE run_key = $1 AND n = $2`, key, n)
	if err != nil {
		return b, false, fmt.Errorf("read batch %d of run %s: %w", n, key, err)
	}
	return b, done, nil
}

// CloseBatch locks the run's row against the conclusion while its batch closes.
func (s *Store) CloseBatch(ctx context.Context, key string, n int, retry *audit.Batch) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT FROM mailaudit.runs
			WHERE run_key = $1 AND phase IN ('planning', 'verifying') FOR NO KEY UPDATE`, key)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		tag, err = tx.Exec(ctx, `UPDATE mailaudit.batches SET done = true WHERE run_key = $1 AND n = $2 AND NOT done`, key, n)
		if err != nil || tag.RowsAffected() == 0 || retry == nil {
			return err
		}
		_, err = tx.Exec(ctx, `WITH numbered AS (
				UPDATE mailaudit.runs SET batches = batches + 1 WHERE run_key = $1 RETURNING batches
			)
			INSERT INTO mailaudit.batches (run_key, n, provider, try, doubtful, due_at, ids)
			SELECT $1, batches, $2, $3, $4, $5, $6 FROM numbered`,
			key, retry.Provider, retry.Try, retry.Doubtful, timestamp(retry.DueAt), list(retry.IDs))
		return err
	})
	if err != nil {
		return fmt.Errorf("close batch %d of run %s: %w", n, key, err)
	}
	return nil
}
