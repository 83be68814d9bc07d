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

func (s *Store) KeepFact(ctx context.Context, key, name, value string) (string, error) {
	if err := s.exec(ctx, "keep fact", `INSERT OR IGNORE INTO run_facts (run_key, name, value) VALUES (?, ?, ?)`, key, name, value); err != nil {
		return "", err
	}
	var stands string
	if err := s.db.QueryRowContext(ctx, `SELECT value FROM run_facts WHERE run_key = ? AND name = ?`, key, name).Scan(&stands); err != nil {
		return "", fmt.Errorf("read fact: %w", err)
	}
	return stands, nil
}

func (s *Store) Facts(ctx context.Context, key, prefix string) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, value FROM run_facts WHERE run_key = ?1 AND substr(name, 1, length(?2)) = ?2`, key, prefix)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	defer rows.Close()
	facts := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("read facts: %w", err)
		}
		facts[name] = value
	}
	return facts, rows.Err()
}

func (s *Store) KnownStates(ctx context.Context, run audit.Run) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM account_states s WHERE settled_seq >= ?2
		OR run_key IN (SELECT run_key FROM runs WHERE seq >= ?2)
		OR EXISTS (SELECT 1 FROM run_notes n WHERE n.run_key = ?1 AND n.account_id IN (s.account_id, s.former_id))`, run.Key, run.Seq).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count states: %w", err)
	}
	return n, nil
}

func (s *Store) Reopen(ctx context.Context, key string) error {
	return s.exec(ctx, "reopen run", `UPDATE runs SET status = 'running', stop_reason = '', finished_at = NULL, posting_at = NULL, posted_at = NULL
		WHERE run_key = ? AND status = 'stopped'`, key)
}

// The verdicts that count as failing, for SQL.
var failing = func() string {
	var list []string
	for _, v := range audit.Verdicts {
		if v.Failing() {
			list = append(list, string(v))
		}
	}
	return array(list)
}()

// resultField is a field of a result, NULL where the result cannot be read: one row must not fail all.
func resultField(name string) string {
	return `CASE WHEN json_valid(run_result) THEN json_extract(run_result, '$.` + name + `') END`
}

// counted are the columns of [audit.Count] and whether all are new: ?1 are the failing verdicts, ?2 is
// [audit.ChronicSince].
const counted = `count(*), sum(run_verdict IN (SELECT value FROM json_each(?1)) AND verdict NOT IN (SELECT value FROM json_each(?1))),
	sum(` + answering + `), sum(run_silent AND ` + answering + `), sum(verdict <> '') = 0`

const answering = `NOT run_traffic AND verdict NOT IN ('', 'gone') AND (unverified_since IS NULL OR unverified_since > ?2)`

func (s *Store) Tallies(ctx context.Context, run audit.Run) (map[string]audit.Tally, error) {
	tallies := map[string]audit.Tally{}
	rows, err := s.db.QueryContext(ctx, `SELECT coalesce(`+resultField("Provider")+`, provider) AS owner, tenant_id, `+counted+`
		FROM account_states WHERE run_key = ?3 GROUP BY owner, tenant_id`, failing, micros(audit.ChronicSince(run.StartedAt)), run.Key)
	_, err = collect(rows, err, func(row scanner) (c audit.Count, err error) {
		var provider, tenant string
		var first bool
		if err := row.Scan(&provider, &tenant, &c.Accounts, &c.NewlyFailing, &c.Answering, &c.Lost, &first); err != nil {
			return c, err
		}
		t, known := tallies[provider]
		t.First = first && (t.First || !known)
		t.AddTenant(tenant, c)
		tallies[provider] = t
		return c, nil
	})
	if err == nil {
		err = s.tallyHosts(ctx, run, tallies)
	}
	if err == nil && !run.Scope.Whole() {
		err = s.tallyBeside(ctx, run, tallies)
	}
	if err != nil {
		return nil, fmt.Errorf("tally run %s: %w", run.Key, err)
	}
	before, err := s.concludedBefore(ctx, run.Seq, audit.HistoryNights)
	if err != nil {
		return nil, err
	}
	return audit.WithHistory(tallies, before), nil
}

func (s *Store) tallyHosts(ctx context.Context, run audit.Run, tallies map[string]audit.Tally) error {
	t, there := tallies[audit.ProviderOther]
	if !there {
		return nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT coalesce(`+resultField("Host")+`, '') AS host, tenant_id, `+counted+`
		FROM account_states WHERE run_key = ?3 AND `+resultField("Provider")+` = ?4 GROUP BY host, tenant_id`,
		failing, micros(audit.ChronicSince(run.StartedAt)), run.Key, audit.ProviderOther)
	t.Hosts = map[string]audit.HostTally{}
	_, err = collect(rows, err, func(row scanner) (c audit.Count, err error) {
		var host, tenant string
		var first bool
		if err = row.Scan(&host, &tenant, &c.Accounts, &c.NewlyFailing, &c.Answering, &c.Lost, &first); err == nil {
			t.AddHost(host, tenant, c, first)
		}
		return c, err
	})
	tallies[audit.ProviderOther] = t
	return err
}

func (s *Store) tallyBeside(ctx context.Context, run audit.Run, tallies map[string]audit.Tally) error {
	rows, err := s.db.QueryContext(ctx, `SELECT provider, tenant_id, count(*), sum(verdict IN (SELECT value FROM json_each(?1)) AND since > ?2)
		FROM account_states WHERE run_key <> ?3 AND verdict <> 'gone' GROUP BY provider, tenant_id`,
		failing, micros(run.StartedAt.Add(-audit.NightsApart)), run.Key)
	_, err = collect(rows, err, func(row scanner) (b audit.Beside, err error) {
		var provider, tenant string
		err = row.Scan(&provider, &tenant, &b.Accounts, &b.NewlyFailing)
		if t, there := tallies[provider]; there {
			t.AddBeside(tenant, b)
			tallies[provider] = t
		}
		return b, err
	})
	return err
}

func (s *Store) concludedBefore(ctx context.Context, seq int64, limit int) ([]audit.Run, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+runColumns+` FROM runs
		WHERE seq < ? AND status = 'concluded' AND whole ORDER BY seq DESC LIMIT ?`, seq, limit)
	all, err := collect(rows, err, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return all, nil
}

func (s *Store) MarkForSettlement(ctx context.Context, run audit.Run, provider string) error {
	return s.exec(ctx, "settle one by one", `UPDATE account_states SET run_quiet = 0
		WHERE run_key = ? AND `+resultField("Provider")+` = ?`, run.Key, provider)
}

const holdColumns = `run_key, provider, why, state, opened_at, decided_at, decided_by,
	(SELECT count(*) FROM notices n WHERE n.hold_key = holds.run_key AND n.provider = holds.provider AND n.state = 'held')`

func scanHold(row scanner) (audit.Hold, error) {
	var h audit.Hold
	err := row.Scan(&h.RunKey, &h.Provider, &h.Why, &h.State, scanTime{&h.OpenedAt}, scanTime{&h.DecidedAt}, &h.DecidedBy, &h.Notices)
	return h, err
}

func (s *Store) OpenHolds(ctx context.Context) ([]audit.Hold, error) {
	return s.holds(ctx, audit.HoldOpen)
}

func (s *Store) DiscardedHolds(ctx context.Context) ([]audit.Hold, error) {
	return s.holds(ctx, audit.HoldDiscarded)
}

func (s *Store) holds(ctx context.Context, state audit.HoldState) ([]audit.Hold, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+holdColumns+` FROM holds WHERE state = ? ORDER BY opened_at, provider`, string(state))
	all, err := collect(rows, err, scanHold)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return all, nil
}

func (s *Store) PutHold(ctx context.Context, h audit.Hold) (audit.Hold, error) {
	err := s.exec(ctx, "open hold", `INSERT INTO holds (run_key, provider, why, state, opened_at) VALUES (?, ?, ?, 'open', ?)
		ON CONFLICT DO NOTHING`, h.RunKey, h.Provider, h.Why, micros(h.OpenedAt))
	if err != nil {
		return h, err
	}
	stands, err := scanHold(s.db.QueryRowContext(ctx, `SELECT `+holdColumns+` FROM holds WHERE provider = ? AND state = 'open'`, h.Provider))
	if errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("hold of %s, %s: %w", h.RunKey, h.Provider, audit.ErrNoHold)
	}
	if err != nil {
		return h, fmt.Errorf("read hold: %w", err)
	}
	return stands, nil
}

func (s *Store) HeldNotices(ctx context.Context, h audit.Hold) ([]audit.Notice, error) {
	return s.notices(ctx, `hold_key = ? AND provider = ? AND state = 'held' ORDER BY notice_id`, h.RunKey, h.Provider)
}

func (s *Store) Withdraw(ctx context.Context, id int64, detail string) error {
	return s.exec(ctx, "withdraw notice", `UPDATE notices SET state = 'suppressed', detail = ?
		WHERE notice_id = ? AND state IN ('held', 'queued')`, detail, id)
}

func (s *Store) QueueHeld(ctx context.Context, id int64, due time.Time) error {
	return s.exec(ctx, "queue held notice", `UPDATE notices SET state = 'queued', detail = 'released', due_at = ?
		WHERE notice_id = ? AND state = 'held'`, micros(due), id)
}

func (s *Store) HoldCohort(ctx context.Context, h audit.Hold) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM account_states WHERE provider = ?1
		AND verdict IN (SELECT value FROM json_each(?2)) AND since >= (SELECT started_at FROM runs WHERE run_key = ?3)`,
		h.Provider, failing, h.RunKey).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count hold: %w", err)
	}
	return n, nil
}

func (s *Store) DecideHold(ctx context.Context, h audit.Hold, keep []int64, detail string, due time.Time) error {
	kept, err := json.Marshal(append([]int64{}, keep...))
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE holds SET state = ?, decided_at = ?, decided_by = ?
			WHERE run_key = ? AND provider = ? AND state = 'open'`, string(h.State), micros(h.DecidedAt), h.DecidedBy, h.RunKey, h.Provider)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, audit.ErrNoHold)
		}
		_, err = tx.ExecContext(ctx, `UPDATE notices SET
				state = CASE WHEN notice_id IN (SELECT value FROM json_each(?1)) THEN 'queued' ELSE 'suppressed' END,
				detail = CASE WHEN notice_id IN (SELECT value FROM json_each(?1)) THEN 'released' ELSE ?2 END, due_at = ?3
			WHERE hold_key = ?4 AND provider = ?5 AND state = 'held'`, string(kept), detail, micros(due), h.RunKey, h.Provider)
		return err
	})
	if err != nil {
		return fmt.Errorf("decide hold of %s, %s: %w", h.RunKey, h.Provider, err)
	}
	return nil
}
