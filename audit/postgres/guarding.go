package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) KeepFact(ctx context.Context, key, name, value string) (string, error) {
	if err := s.exec(ctx, "keep fact", `INSERT INTO mailaudit.run_facts (run_key, name, value) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, key, clean(name), clean(value)); err != nil {
		return "", err
	}
	stands, err := one(ctx, s.pool, pgx.RowTo[string], `SELECT value FROM mailaudit.run_facts WHERE run_key = $1 AND name = $2`, key, clean(name))
	if err != nil {
		return "", fmt.Errorf("read fact: %w", err)
	}
	return stands, nil
}

func (s *Store) Facts(ctx context.Context, key, prefix string) (map[string]string, error) {
	all, err := s.pairs(ctx, `SELECT name, value FROM mailaudit.run_facts WHERE run_key = $1 AND starts_with(name, $2)`, key, prefix)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return all, nil
}

// pairs reads two columns of text.
func (s *Store) pairs(ctx context.Context, query string, args ...any) (map[string]string, error) {
	all := map[string]string{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var name, value string
		err := row.Scan(&name, &value)
		all[name] = value
		return struct{}{}, err
	}, query, args...)
	return all, err
}

func (s *Store) KnownStates(ctx context.Context, run audit.Run) (int, error) {
	known := 0
	err := s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		n, err := one(ctx, s.pool, pgx.RowTo[int], `SELECT count(*) FROM mailaudit.account_states s
			WHERE account_id > $1 AND account_id <= $2 AND (settled_seq >= $4
				OR run_key IN (SELECT run_key FROM mailaudit.runs WHERE seq >= $4)
				OR EXISTS (SELECT FROM mailaudit.run_notes n WHERE n.run_key = $3 AND n.account_id IN (s.account_id, s.former_id)))`, from, to, run.Key, run.Seq)
		known += n
		return true, err
	})
	if err != nil {
		return 0, fmt.Errorf("count states: %w", err)
	}
	return known, nil
}

func (s *Store) Reopen(ctx context.Context, key string) error {
	return s.exec(ctx, "reopen run", `UPDATE mailaudit.runs SET status = 'running', stop_reason = '', finished_at = NULL,
		posting_at = NULL, posted_at = NULL WHERE run_key = $1 AND status = 'stopped'`, key)
}

// failing are the verdicts that count as failing.
func failing() []string {
	var all []string
	for _, v := range audit.Verdicts {
		if v.Failing() {
			all = append(all, string(v))
		}
	}
	return all
}

// counted are the columns of [audit.Count] and whether all are new: $1 are the failing verdicts, $2 is
// [audit.ChronicSince].
const counted = `count(*), count(*) FILTER (WHERE run_verdict = ANY($1) AND verdict <> ALL($1)),
	count(*) FILTER (WHERE ` + answering + `), count(*) FILTER (WHERE run_silent AND ` + answering + `), bool_and(verdict = '')`

const answering = `NOT run_traffic AND verdict NOT IN ('', 'gone') AND (unverified_since IS NULL OR unverified_since > $2)`

func (s *Store) Tallies(ctx context.Context, run audit.Run) (map[string]audit.Tally, error) {
	tallies := map[string]audit.Tally{}
	chronic := timestamp(audit.ChronicSince(run.StartedAt))
	err := s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (c audit.Count, err error) {
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
		}, `SELECT run_provider, tenant_id, `+counted+`
			FROM mailaudit.account_states WHERE account_id > $3 AND account_id <= $4 AND run_key = $5 GROUP BY run_provider, tenant_id`,
			failing(), chronic, from, to, run.Key)
		return true, err
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
		return nil, fmt.Errorf("tally run %s: %w", run.Key, err)
	}
	return audit.WithHistory(tallies, before), nil
}

func (s *Store) tallyHosts(ctx context.Context, run audit.Run, tallies map[string]audit.Tally) error {
	t, there := tallies[audit.ProviderOther]
	if !there {
		return nil
	}
	t.Hosts = map[string]audit.HostTally{}
	err := s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (c audit.Count, err error) {
			var host, tenant string
			var first bool
			if err = row.Scan(&host, &tenant, &c.Accounts, &c.NewlyFailing, &c.Answering, &c.Lost, &first); err == nil {
				t.AddHost(host, tenant, c, first)
			}
			return c, err
		}, `SELECT coalesce(run_result->>'Host', '') AS host, tenant_id, `+counted+`
			FROM mailaudit.account_states WHERE account_id > $3 AND account_id <= $4 AND run_key = $5 AND run_provider = $6 GROUP BY 1, 2`,
			failing(), timestamp(audit.ChronicSince(run.StartedAt)), from, to, run.Key, audit.ProviderOther)
		return true, err
	})
	tallies[audit.ProviderOther] = t
	return err
}

func (s *Store) tallyBeside(ctx context.Context, run audit.Run, tallies map[string]audit.Tally) error {
	return s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (b audit.Beside, err error) {
			var provider, tenant string
			err = row.Scan(&provider, &tenant, &b.Accounts, &b.NewlyFailing)
			if t, there := tallies[provider]; there {
				t.AddBeside(tenant, b)
				tallies[provider] = t
			}
			return b, err
		}, `SELECT provider, tenant_id, count(*), count(*) FILTER (WHERE verdict = ANY($1) AND since > $2)
			FROM mailaudit.account_states WHERE account_id > $3 AND account_id <= $4 AND run_key <> $5 AND verdict <> 'gone' GROUP BY provider, tenant_id`,
			failing(), timestamp(run.StartedAt.Add(-audit.NightsApart)), from, to, run.Key)
		return true, err
	})
}

func (s *Store) MarkForSettlement(ctx context.Context, run audit.Run, provider string) error {
	return s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		return true, s.exec(ctx, "settle one by one", `UPDATE mailaudit.account_states SET run_quiet = false
			WHERE account_id > $1 AND account_id <= $2 AND run_key = $3 AND run_provider = $4 AND run_quiet`, from, to, run.Key, provider)
	})
}

const holdColumns = `run_key, provider, why, state, opened_at, decided_at, decided_by,
	(SELECT count(*) FROM mailaudit.notices n WHERE n.hold_key = h.run_key AND n.provider = h.provider AND n.state = 'held')`

func scanHold(row pgx.CollectableRow) (audit.Hold, error) {
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
	all, err := collect(ctx, s.pool, scanHold, `SELECT `+holdColumns+` FROM mailaudit.holds h WHERE state = $1 ORDER BY opened_at, provider`, string(state))
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return all, nil
}

func (s *Store) PutHold(ctx context.Context, h audit.Hold) (audit.Hold, error) {
	err := s.exec(ctx, "open hold", `INSERT INTO mailaudit.holds (run_key, provider, why, state, opened_at) VALUES ($1, $2, $3, 'open', $4)
		ON CONFLICT DO NOTHING`, h.RunKey, h.Provider, clean(h.Why), timestamp(h.OpenedAt))
	if err != nil {
		return h, err
	}
	stands, err := one(ctx, s.pool, scanHold, `SELECT `+holdColumns+` FROM mailaudit.holds h WHERE provider = $1 AND state = 'open'`, h.Provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("hold of %s, %s: %w", h.RunKey, h.Provider, audit.ErrNoHold)
	}
	if err != nil {
		return h, fmt.Errorf("read hold: %w", err)
	}
	return stands, nil
}

func (s *Store) HeldNotices(ctx context.Context, h audit.Hold) ([]audit.Notice, error) {
	return s.notices(ctx, `hold_key = $1 AND provider = $2 AND state = 'held' ORDER BY notice_id`, h.RunKey, h.Provider)
}

func (s *Store) Withdraw(ctx context.Context, id int64, detail string) error {
	return s.exec(ctx, "withdraw notice", `UPDATE mailaudit.notices SET state = 'suppressed', detail = $1
		WHERE notice_id = $2 AND state IN ('held', 'queued')`, clean(detail), id)
}

func (s *Store) QueueHeld(ctx context.Context, id int64, due time.Time) error {
	return s.exec(ctx, "queue held notice", `UPDATE mailaudit.notices SET state = 'queued', detail = 'released', due_at = $1
		WHERE notice_id = $2 AND state = 'held'`, timestamp(due), id)
}

// HoldCohort names the verdicts as the index of failing accounts does.
func (s *Store) HoldCohort(ctx context.Context, h audit.Hold) (int, error) {
	n, err := one(ctx, s.pool, pgx.RowTo[int], `SELECT count(*) FROM mailaudit.account_states WHERE provider = $1
		AND verdict NOT IN ('', 'compliant', 'unproven', 'gone') AND verdict = ANY($2)
		AND since >= (SELECT started_at FROM mailaudit.runs WHERE run_key = $3)`, h.Provider, failing(), h.RunKey)
	if err != nil {
		return 0, fmt.Errorf("count hold: %w", err)
	}
	return n, nil
}

func (s *Store) DecideHold(ctx context.Context, h audit.Hold, keep []int64, detail string, due time.Time) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE mailaudit.holds SET state = $1, decided_at = $2, decided_by = $3
			WHERE run_key = $4 AND provider = $5 AND state = 'open'`, string(h.State), timestamp(h.DecidedAt), clean(h.DecidedBy), h.RunKey, h.Provider)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return audit.ErrNoHold
		}
		_, err = tx.Exec(ctx, `UPDATE mailaudit.notices SET
				state = CASE WHEN notice_id = ANY($1) THEN 'queued' ELSE 'suppressed' END,
				detail = CASE WHEN notice_id = ANY($1) THEN 'released' ELSE $2 END, due_at = $3
			WHERE hold_key = $4 AND provider = $5 AND state = 'held'`, append([]int64{}, keep...), clean(detail), timestamp(due), h.RunKey, h.Provider)
		return err
	})
	if err != nil {
		return fmt.Errorf("decide hold of %s, %s: %w", h.RunKey, h.Provider, err)
	}
	return nil
}
