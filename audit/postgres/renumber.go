package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) Known(ctx context.Context, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read known accounts", `SELECT account_id FROM mailaudit.account_states WHERE account_id > $1 AND verdict <> 'gone'
		ORDER BY account_id LIMIT $2`, after, limit)
}

func (s *Store) Renumber(ctx context.Context, run audit.Run, moves []audit.Renumbering) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		moved, err := collect(ctx, tx, func(row pgx.CollectableRow) (m audit.Renumbering, err error) {
			err = row.Scan(&m.New, &m.Former)
			return m, err
		}, `UPDATE mailaudit.account_states s SET account_id = u.new, former_id = u.former
			FROM unnest($1::text[], $2::text[]) AS u (new, former)
			WHERE s.account_id = u.former AND NOT EXISTS (SELECT FROM mailaudit.account_states o WHERE o.account_id = u.new)
			RETURNING u.new, u.former`, news(moves), formers(moves))
		if err != nil || len(moved) == 0 {
			return err
		}
		put := &pgx.Batch{}
		for _, step := range []string{
			`INSERT INTO mailaudit.verdict_changes (account_id, seq, run_key, tenant_id, tenant_name, address, provider,
					verdict, previous, two_factor, certainty, actor, since, rule, reply, reason, attested)
				SELECT u.new, $4::bigint, $3::text, tenant_id, tenant_name, address, provider, verdict, verdict, two_factor, certainty, actor, since, rule, reply, reason, attested
				FROM unnest($1::text[], $2::text[]) AS u (new, former) JOIN mailaudit.account_states ON account_id = u.new WHERE verdict <> ''
				UNION ALL SELECT u.former, $4, $3, tenant_id, tenant_name, address, provider, 'gone', verdict, '', '', '', since, '', '', '', ''
				FROM unnest($1::text[], $2::text[]) AS u (new, former) JOIN mailaudit.account_states ON account_id = u.new WHERE verdict <> ''
				ON CONFLICT DO NOTHING`,
			`INSERT INTO mailaudit.renumbered (run_key, new_id, former_id)
				SELECT $3, u.new, u.former FROM unnest($1::text[], $2::text[]) AS u (new, former) WHERE $4::bigint > 0 ON CONFLICT DO NOTHING`,
		} {
			put.Queue(step, news(moved), formers(moved), run.Key, run.Seq)
		}
		put.Queue(`UPDATE mailaudit.notice_items i SET account_id = u.new FROM unnest($1::text[], $2::text[]) AS u (new, former)
			WHERE i.account_id = u.former`, news(moved), formers(moved))
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return fmt.Errorf("renumber accounts: %w", err)
	}
	return nil
}

// formerIDs are the ids that an account bore before, the latest first.
func (s *Store) formerIDs(ctx context.Context, id string) ([]string, error) {
	return s.ids(ctx, "read an account's former ids", `WITH RECURSIVE former (id) AS (
			SELECT former_id FROM mailaudit.renumbered WHERE new_id = $1
			UNION SELECT r.former_id FROM former f JOIN mailaudit.renumbered r ON r.new_id = f.id)
		SELECT id FROM former`, id)
}

func news(moves []audit.Renumbering) []string {
	return texts(moves, func(m audit.Renumbering) string { return m.New })
}

func formers(moves []audit.Renumbering) []string {
	return texts(moves, func(m audit.Renumbering) string { return m.Former })
}

func (s *Store) Renumbered(ctx context.Context, key, after string, limit int) ([]audit.Renumbering, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (m audit.Renumbering, err error) {
		err = row.Scan(&m.New, &m.Former)
		return m, err
	}, `SELECT new_id, former_id FROM mailaudit.renumbered WHERE run_key = $1 AND new_id > $2 ORDER BY new_id LIMIT $3`, key, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read renumbered accounts of run %s: %w", key, err)
	}
	return all, nil
}

func (s *Store) PlanMore(ctx context.Context, key string, batches []audit.Batch, accounts int) (added bool, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		numbered, err := collect(ctx, tx, pgx.RowTo[int], `UPDATE mailaudit.runs SET accounts = accounts + $2, batches = batches + $3
			WHERE run_key = $1 AND phase = 'verifying' AND status <> 'stopped' RETURNING batches`, key, accounts, len(batches))
		if added = len(numbered) == 1; err != nil || !added {
			return err
		}
		return insertBatches(ctx, tx, key, numbered[0]-len(batches), batches)
	})
	if err != nil {
		return false, fmt.Errorf("plan more of run %s: %w", key, err)
	}
	return added, nil
}

func (s *Store) PlannedBatches(ctx context.Context, key string, after, limit int) ([]audit.Batch, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Batch, error) {
		b := audit.Batch{RunKey: key, Try: 1}
		err := row.Scan(&b.N, &b.Provider, &b.IDs)
		return b, err
	}, `SELECT n, provider, ids FROM mailaudit.batches WHERE run_key = $1 AND n > $2 AND try = 1 ORDER BY n LIMIT $3`, key, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the plan of run %s: %w", key, err)
	}
	return all, nil
}
