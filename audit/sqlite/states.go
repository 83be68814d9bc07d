package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"mailaudit/audit"
)

const settledColumns = `account_id, tenant_id, tenant_name, address, provider, brand,
	verdict, two_factor, certainty, actor, since, rule, reply, reason, nights, night_at,
	told_step, told_verdict, told_first_at, told_at, told_notice, told_shadow,
	fingerprint, accepted_fingerprint, definite_at, seen_at, unverified_since, settled_seq,
	mended_verdict, mended_at, tried_fingerprint, accepted_binding, former_id, attested, asked_at`

const stateColumns = settledColumns + `, run_result`

func scanState(row scanner) (audit.State, error) {
	var s audit.State
	var result string
	err := row.Scan(&s.AccountID, &s.TenantID, &s.TenantName, &s.Address, &s.Provider, &s.Brand,
		&s.Verdict, &s.TwoFactor, &s.Certainty, &s.Actor, scanTime{&s.Since}, &s.Rule, &s.Reply, &s.Reason, &s.Nights, scanTime{&s.NightAt},
		&s.Told.Step, &s.Told.Verdict, scanTime{&s.Told.FirstAt}, scanTime{&s.Told.At}, &s.Told.NoticeID, &s.Told.Shadow,
		&s.Fingerprint, &s.AcceptedFingerprint, scanTime{&s.DefiniteAt}, scanTime{&s.SeenAt}, scanTime{&s.UnverifiedSince}, &s.SettledSeq,
		&s.Remedied, scanTime{&s.RemediedAt}, &s.Tried, &s.Binding, &s.FormerID, scanAttested{&s.Attested}, scanTime{&s.AskedAt}, &result)
	if err != nil {
		return s, err
	}
	if result != "" {
		s.Tonight = new(audit.Result)
		if err := json.Unmarshal([]byte(result), s.Tonight); err != nil {
			return s, fmt.Errorf("result of account %s: %w", s.AccountID, err)
		}
	}
	return s, nil
}

func (s *Store) LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error) {
	all, err := s.states(ctx, "read states", `account_id IN (SELECT value FROM json_each(?))`, array(ids))
	return audit.StatesByID(all), err
}

func (s *Store) LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]audit.State, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+settledColumns+`, CASE run_key WHEN ? THEN run_result ELSE '' END
		FROM account_states WHERE account_id IN (SELECT value FROM json_each(?))`, key, array(ids))
	all, err := collect(rows, err, scanState)
	if err != nil {
		return nil, fmt.Errorf("read states for run %s: %w", key, err)
	}
	return audit.StatesByID(all), nil
}

func (s *Store) Doubtful(ctx context.Context, ids []string) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id FROM account_states
		WHERE account_id IN (SELECT value FROM json_each(?))
			AND (verdict NOT IN ('compliant', 'unproven') OR unverified_since IS NOT NULL)`, array(ids))
	all, err := collect(rows, err, func(row scanner) (id string, err error) { err = row.Scan(&id); return id, err })
	if err != nil {
		return nil, fmt.Errorf("read doubtful accounts: %w", err)
	}
	doubtful := make(map[string]bool, len(all))
	for _, id := range all {
		doubtful[id] = true
	}
	return doubtful, nil
}

func (s *Store) Bindings(ctx context.Context, ids []string) (map[string]string, error) {
	type binding struct{ id, text string }
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, accepted_binding FROM account_states
		WHERE account_id IN (SELECT value FROM json_each(?)) AND accepted_binding <> ''`, array(ids))
	all, err := collect(rows, err, func(row scanner) (b binding, err error) { err = row.Scan(&b.id, &b.text); return b, err })
	if err != nil {
		return nil, fmt.Errorf("read bindings: %w", err)
	}
	bindings := make(map[string]string, len(all))
	for _, b := range all {
		bindings[b.id] = b.text
	}
	return bindings, nil
}

func (s *Store) Bind(ctx context.Context, accountID, binding string) error {
	res, err := s.db.ExecContext(ctx, `UPDATE account_states SET accepted_binding = ? WHERE account_id = ?`, binding, accountID)
	if err != nil {
		return fmt.Errorf("bind the secret of account %s: %w", accountID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("account %s: %w", accountID, audit.ErrNoAccount)
}

const record = `INSERT INTO account_states
	(account_id, tenant_id, tenant_name, address, provider, brand, run_key, run_try, run_quiet, run_result, run_verdict, run_silent, run_traffic, asked_at)
	SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
	WHERE EXISTS (SELECT 1 FROM runs WHERE run_key = ?7 AND status <> 'stopped' AND phase IN ('planning', 'verifying'))
	ON CONFLICT (account_id) DO UPDATE SET run_key = excluded.run_key, run_try = excluded.run_try,
		run_quiet = excluded.run_quiet, run_result = excluded.run_result,
		run_verdict = excluded.run_verdict, run_silent = excluded.run_silent, run_traffic = excluded.run_traffic,
		asked_at = coalesce(excluded.asked_at, account_states.asked_at)
	WHERE account_states.run_key <> excluded.run_key OR account_states.run_try < excluded.run_try`

func (s *Store) Record(ctx context.Context, key string, results []audit.Recorded) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		put, err := tx.PrepareContext(ctx, record)
		if err != nil {
			return err
		}
		defer put.Close()
		for _, r := range results {
			result, err := json.Marshal(r.Result)
			if err != nil {
				return err
			}
			if _, err := put.ExecContext(ctx, r.AccountID, r.TenantID, r.TenantName, r.Address, r.Provider, r.Brand,
				key, r.Try, r.Quiet, string(result), string(r.Verdict), r.Silent(), r.Traffic, micros(r.Heard())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record results: %w", err)
	}
	return nil
}

func (s *Store) Unsettled(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read unsettled accounts", `SELECT account_id FROM account_states WHERE run_key = ? AND NOT run_quiet AND settled_seq < ?
		AND account_id > ? ORDER BY account_id LIMIT ?`, run.Key, run.Seq, after, limit)
}

func (s *Store) Departed(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read departed accounts", `SELECT account_id FROM account_states s WHERE run_key <> ?1 AND verdict <> 'gone' AND settled_seq < ?2
		AND NOT EXISTS (SELECT 1 FROM run_notes n WHERE n.run_key = ?1 AND n.account_id = s.account_id)
		AND `+notNewer("?2")+` AND account_id > ?3 ORDER BY account_id LIMIT ?4`, run.Key, run.Seq, after, limit)
}

func (s *Store) Unrecorded(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read accounts without a result", `SELECT DISTINCT i.value FROM batches b, json_each(CASE WHEN json_valid(b.ids) THEN b.ids ELSE '[]' END) i
		WHERE b.run_key = ?1 AND i.value > ?2
		AND NOT EXISTS (SELECT 1 FROM account_states s WHERE s.account_id = i.value AND s.run_key = ?1 AND s.settled_seq <= ?4)
		AND NOT EXISTS (SELECT 1 FROM run_notes n WHERE n.run_key = ?1 AND n.account_id = i.value)
		ORDER BY i.value LIMIT ?3`, run.Key, after, limit, run.Seq)
}

// notNewer leaves out the states that a later run has recorded; the parameter is the run's Seq.
func notNewer(seq string) string {
	return `run_key NOT IN (SELECT run_key FROM runs WHERE seq > ` + seq + `)`
}

func (s *Store) ids(ctx context.Context, doing, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	all, err := collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return all, nil
}

func (s *Store) states(ctx context.Context, doing, where string, args ...any) ([]audit.State, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+stateColumns+` FROM account_states WHERE `+where, args...)
	all, err := collect(rows, err, scanState)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return all, nil
}
