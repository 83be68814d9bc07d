package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"mailaudit/audit"
)

func (s *Store) Known(ctx context.Context, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read known accounts", `SELECT account_id FROM account_states WHERE account_id > ? AND verdict <> 'gone'
		ORDER BY account_id LIMIT ?`, after, limit)
}

func (s *Store) Renumber(ctx context.Context, run audit.Run, moves []audit.Renumbering) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		for _, m := range moves {
			res, err := tx.ExecContext(ctx, `UPDATE account_states SET account_id = ?1, former_id = ?2
				WHERE account_id = ?2 AND NOT EXISTS (SELECT 1 FROM account_states WHERE account_id = ?1)`, m.New, m.Former)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				continue
			}
			for _, step := range []string{
				`UPDATE notice_items SET account_id = ?1 WHERE account_id = ?2 AND ?3 <> '' AND ?4 > 0`,
				`INSERT OR REPLACE INTO verdict_changes (account_id, seq, run_key, tenant_id, tenant_name, address, provider,
						verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested)
					SELECT ?1, ?4, ?3, tenant_id, tenant_name, address, provider, verdict, verdict, two_factor, certainty, actor, since, rule, reply, reason, attested
					FROM account_states WHERE account_id = ?1 AND verdict <> ''
					UNION ALL SELECT ?2, ?4, ?3, tenant_id, tenant_name, address, provider, 'gone', verdict, '', '', '', since, '', '', '', ''
					FROM account_states WHERE account_id = ?1 AND verdict <> ''`,
				`INSERT OR IGNORE INTO renumbered (new_id, former_id, run_key) SELECT ?1, ?2, ?3 WHERE ?4 > 0`,
			} {
				if _, err := tx.ExecContext(ctx, step, m.New, m.Former, run.Key, run.Seq); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("renumber accounts: %w", err)
	}
	return nil
}

// formerIDs are the ids that an account bore before, the latest first.
func (s *Store) formerIDs(ctx context.Context, id string) ([]string, error) {
	return s.ids(ctx, "read an account's former ids", `WITH RECURSIVE former (id) AS (
			SELECT former_id FROM renumbered WHERE new_id = ?1 UNION SELECT r.former_id FROM former f JOIN renumbered r ON r.new_id = f.id)
		SELECT id FROM former`, id)
}

func (s *Store) Renumbered(ctx context.Context, key, after string, limit int) ([]audit.Renumbering, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT new_id, former_id FROM renumbered WHERE run_key = ? AND new_id > ? ORDER BY new_id LIMIT ?`, key, after, limit)
	all, err := collect(rows, err, func(row scanner) (m audit.Renumbering, err error) {
		err = row.Scan(&m.New, &m.Former)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("read renumbered accounts of run %s: %w", key, err)
	}
	return all, nil
}

func (s *Store) PlanMore(ctx context.Context, key string, batches []audit.Batch, accounts int) (added bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE runs SET accounts = accounts + ? WHERE run_key = ? AND phase = 'verifying' AND status <> 'stopped'`, accounts, key)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if added = n == 1; err != nil || !added {
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
		return false, fmt.Errorf("plan more of run %s: %w", key, err)
	}
	return added, nil
}

func (s *Store) PlannedBatches(ctx context.Context, key string, after, limit int) ([]audit.Batch, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n, provider, ids FROM batches WHERE run_key = ? AND n > ? AND try = 1 ORDER BY n LIMIT ?`, key, after, limit)
	all, err := collect(rows, err, func(row scanner) (audit.Batch, error) {
		b := audit.Batch{RunKey: key, Try: 1}
		var ids string
		err := row.Scan(&b.N, &b.Provider, &ids)
		if err == nil {
			err = json.Unmarshal([]byte(ids), &b.IDs)
		}
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the plan of run %s: %w", key, err)
	}
	return all, nil
}
