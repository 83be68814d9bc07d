package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

const settledColumns = `account_id, tenant_id, tenant_name, address, provider, brand,
	verdict, two_factor, certainty, actor, since, rule, reply, reason, nights, night_at,
	told_step, told_verdict, told_first_at, told_at, told_notice, told_shadow,
	fingerprint, accepted_fingerprint, definite_at, seen_at, unverified_since, settled_seq,
	mended_verdict, mended_at, tried_fingerprint, accepted_binding, former_id, attested, asked_at`

const stateColumns = settledColumns + `, run_result::text`

func scanState(row pgx.CollectableRow) (audit.State, error) {
	var s audit.State
	var result *string
	err := row.Scan(&s.AccountID, &s.TenantID, &s.TenantName, &s.Address, &s.Provider, &s.Brand,
		&s.Verdict, &s.TwoFactor, &s.Certainty, &s.Actor, scanTime{&s.Since}, &s.Rule, &s.Reply, &s.Reason, &s.Nights, scanTime{&s.NightAt},
		&s.Told.Step, &s.Told.Verdict, scanTime{&s.Told.FirstAt}, scanTime{&s.Told.At}, &s.Told.NoticeID, &s.Told.Shadow,
		&s.Fingerprint, &s.AcceptedFingerprint, scanTime{&s.DefiniteAt}, scanTime{&s.SeenAt}, scanTime{&s.UnverifiedSince}, &s.SettledSeq,
		&s.Remedied, scanTime{&s.RemediedAt}, &s.Tried, &s.Binding, &s.FormerID, scanAttested{&s.Attested}, scanTime{&s.AskedAt}, &result)
	if err != nil {
		return s, err
	}
	if result != nil {
		s.Tonight = new(audit.Result)
		if err := json.Unmarshal([]byte(*result), s.Tonight); err != nil {
			return s, fmt.Errorf("result of account %s: %w", s.AccountID, err)
		}
	}
	return s, nil
}

func (s *Store) LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error) {
	all, err := s.states(ctx, "read states", `account_id = ANY($1)`, list(ids))
	return audit.StatesByID(all), err
}

// statesIn spares the results of other nights, which are most, their way and their decoding.
const statesIn = `SELECT ` + settledColumns + `, CASE WHEN run_key = $1 THEN run_result::text END
	FROM mailaudit.account_states WHERE account_id = ANY($2)`

func (s *Store) LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]audit.State, error) {
	all, err := collect(ctx, s.pool, scanState, statesIn, key, list(ids))
	if err != nil {
		return nil, fmt.Errorf("read states for run %s: %w", key, err)
	}
	return audit.StatesByID(all), nil
}

func (s *Store) Bindings(ctx context.Context, ids []string) (map[string]string, error) {
	type binding struct{ id, text string }
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (b binding, err error) {
		err = row.Scan(&b.id, &b.text)
		return b, err
	}, `SELECT account_id, accepted_binding FROM mailaudit.account_states WHERE account_id = ANY($1) AND accepted_binding <> ''`, list(ids))
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
	n, err := s.count(ctx, "bind the secret of account "+accountID, `UPDATE mailaudit.account_states SET accepted_binding = $1 WHERE account_id = $2`,
		clean(binding), clean(accountID))
	if err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("account %s: %w", accountID, audit.ErrNoAccount)
}

func (s *Store) Doubtful(ctx context.Context, ids []string) (map[string]bool, error) {
	all, err := collect(ctx, s.pool, pgx.RowTo[string], `SELECT account_id FROM mailaudit.account_states
		WHERE account_id = ANY($1) AND (verdict NOT IN ('compliant', 'unproven') OR unverified_since IS NOT NULL)`, list(ids))
	if err != nil {
		return nil, fmt.Errorf("read doubtful accounts: %w", err)
	}
	doubtful := make(map[string]bool, len(all))
	for _, id := range all {
		doubtful[id] = true
	}
	return doubtful, nil
}

// record takes the run's row for sharing: a conclusion waits until the results are stored, and results that
// come after it find no open run.
const record = `WITH open AS (
		SELECT run_key FROM mailaudit.runs
		WHERE run_key = $1 AND status <> 'stopped' AND phase IN ('planning', 'verifying') FOR SHARE
	)
	INSERT INTO mailaudit.account_states AS s (run_key, account_id, tenant_id, tenant_name, address, provider, run_provider,
		brand, run_try, run_quiet, run_result, run_verdict, run_silent, run_traffic, asked_at)
	SELECT open.run_key, u.id, u.tenant, u.tenant_name, u.address, u.provider, u.provider, u.brand, u.try, u.quiet, u.result::json,
		u.verdict, u.silent, u.traffic, u.asked_at
	FROM open, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::boolean[], $10::text[],
		$11::text[], $12::boolean[], $13::boolean[], $14::timestamptz[])
		AS u (id, tenant, tenant_name, address, provider, brand, try, quiet, result, verdict, silent, traffic, asked_at)
	ORDER BY u.id
	ON CONFLICT (account_id) DO UPDATE SET run_key = excluded.run_key, run_provider = excluded.run_provider,
		run_try = excluded.run_try, run_quiet = excluded.run_quiet, run_result = excluded.run_result,
		run_verdict = excluded.run_verdict, run_silent = excluded.run_silent, run_traffic = excluded.run_traffic,
		asked_at = coalesce(excluded.asked_at, s.asked_at)
	WHERE s.run_key <> excluded.run_key OR s.run_try < excluded.run_try`

func (s *Store) Record(ctx context.Context, key string, results []audit.Recorded) error {
	results = firstWords(results)
	var failed error
	written := column(results, func(r audit.Recorded) string {
		text, err := json.Marshal(r.Result)
		if err != nil {
			failed = err
		}
		return string(text)
	})
	if failed != nil {
		return fmt.Errorf("record results: %w", failed)
	}
	return s.exec(ctx, "record results", record, key,
		texts(results, func(r audit.Recorded) string { return r.AccountID }),
		texts(results, func(r audit.Recorded) string { return r.TenantID }),
		texts(results, func(r audit.Recorded) string { return r.TenantName }),
		texts(results, func(r audit.Recorded) string { return r.Address }),
		texts(results, func(r audit.Recorded) string { return r.Provider }),
		texts(results, func(r audit.Recorded) string { return r.Brand }),
		column(results, func(r audit.Recorded) int32 { return int32(r.Try) }),
		column(results, func(r audit.Recorded) bool { return r.Quiet }),
		written,
		texts(results, func(r audit.Recorded) audit.Verdict { return r.Verdict }),
		column(results, func(r audit.Recorded) bool { return r.Silent() }),
		column(results, func(r audit.Recorded) bool { return r.Traffic }),
		timestamps(results, func(r audit.Recorded) time.Time { return r.Heard() }))
}

// firstWords leaves one result of each account, as if they had come one after the other: a statement must
// not meet a row twice.
func firstWords(results []audit.Recorded) []audit.Recorded {
	sorted := slices.Clone(results)
	slices.SortStableFunc(sorted, func(x, y audit.Recorded) int {
		if c := strings.Compare(x.AccountID, y.AccountID); c != 0 {
			return c
		}
		return y.Try - x.Try
	})
	return slices.CompactFunc(sorted, func(x, y audit.Recorded) bool { return x.AccountID == y.AccountID })
}

func (s *Store) Unsettled(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read unsettled accounts", `SELECT account_id FROM mailaudit.account_states WHERE run_key = $1 AND NOT run_quiet AND settled_seq < $2
		AND account_id > $3 ORDER BY account_id LIMIT $4`, run.Key, run.Seq, after, limit)
}

func (s *Store) Departed(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	var departed []string
	err := s.eachChunk(ctx, after, func(from, to string) (bool, error) {
		found, err := s.ids(ctx, "read departed accounts", `SELECT account_id FROM mailaudit.account_states s WHERE account_id > $1 AND account_id <= $2
			AND run_key <> $3 AND verdict <> 'gone' AND settled_seq < $4
			AND NOT EXISTS (SELECT FROM mailaudit.run_notes n WHERE n.run_key = $3 AND n.account_id = s.account_id)
			AND `+notNewer("$4")+` ORDER BY account_id LIMIT $5`,
			from, to, run.Key, run.Seq, limit-len(departed))
		departed = append(departed, found...)
		return len(departed) < limit, err
	})
	return departed, err
}

func (s *Store) Unrecorded(ctx context.Context, run audit.Run, after string, limit int) ([]string, error) {
	return s.ids(ctx, "read accounts without a result", `SELECT DISTINCT i.id FROM mailaudit.batches b CROSS JOIN unnest(b.ids) AS u (id)
			CROSS JOIN LATERAL (SELECT u.id COLLATE "C" AS id) i
		WHERE b.run_key = $1 AND i.id > $2
		AND NOT EXISTS (SELECT FROM mailaudit.account_states s WHERE s.account_id = i.id AND s.run_key = $1 AND s.settled_seq <= $4)
		AND NOT EXISTS (SELECT FROM mailaudit.run_notes n WHERE n.run_key = $1 AND n.account_id = i.id)
		ORDER BY i.id LIMIT $3`, run.Key, after, limit, run.Seq)
}

// notNewer leaves out the states that a later run has recorded; the parameter is the run's Seq.
func notNewer(seq string) string {
	return `s.run_key NOT IN (SELECT r.run_key FROM mailaudit.runs r WHERE r.seq > ` + seq + `)`
}

func (s *Store) ids(ctx context.Context, doing, query string, args ...any) ([]string, error) {
	all, err := collect(ctx, s.pool, pgx.RowTo[string], query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return all, nil
}

// stretch is how many states one statement walks through where no index helps, so that none takes long.
const stretch = 20_000

// eachChunk cuts the states after an id into stretches (from, to] until f has enough.
func (s *Store) eachChunk(ctx context.Context, after string, f func(from, to string) (more bool, err error)) error {
	for from := after; ; {
		to, err := one(ctx, s.pool, pgx.RowTo[string], `SELECT coalesce(max(account_id), '') FROM (
			SELECT account_id FROM mailaudit.account_states WHERE account_id > $1 ORDER BY account_id LIMIT $2) s`, from, stretch)
		if err != nil {
			return fmt.Errorf("walk through the states: %w", err)
		}
		if to == "" {
			return nil
		}
		if more, err := f(from, to); err != nil || !more {
			return err
		}
		from = to
	}
}

func (s *Store) states(ctx context.Context, doing, where string, args ...any) ([]audit.State, error) {
	all, err := collect(ctx, s.pool, scanState, `SELECT `+stateColumns+` FROM mailaudit.account_states WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return all, nil
}
