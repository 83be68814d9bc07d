package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

// The steps that take away what no run needs any more. Those of the history go through it in stretches of
// accounts ($3, $4]: $1 is the Seq of the oldest run that stays, $2 the limit. The history keeps each account's
// last word before that run, unless it is that the account had left; its state goes after it. Of the others $1 is
// the moment.
const (
	expireOutdated = `DELETE FROM mailaudit.verdict_changes WHERE ctid = ANY (ARRAY(
		SELECT c.ctid FROM mailaudit.verdict_changes c JOIN (
			SELECT account_id, max(seq) AS last FROM mailaudit.verdict_changes WHERE seq <= $1 AND account_id > $3 AND account_id <= $4
			GROUP BY account_id HAVING count(*) > 1) l
		ON c.account_id = l.account_id AND c.seq < l.last LIMIT $2))`
	expireLeft = `DELETE FROM mailaudit.verdict_changes WHERE ctid = ANY (ARRAY(
		SELECT c.ctid FROM mailaudit.verdict_changes c WHERE verdict = 'gone' AND seq < $1 AND account_id > $3 AND account_id <= $4
			AND NOT EXISTS (SELECT FROM mailaudit.verdict_changes WHERE account_id = c.account_id AND seq < c.seq) LIMIT $2))`
	expireStates = `DELETE FROM mailaudit.account_states WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM mailaudit.account_states s WHERE verdict = 'gone' AND settled_seq <= $1 AND account_id > $3 AND account_id <= $4
			AND NOT EXISTS (SELECT FROM mailaudit.verdict_changes WHERE account_id = s.account_id) LIMIT $2))`

	expireNotices = `DELETE FROM mailaudit.notices WHERE notice_id = ANY (ARRAY(
		SELECT notice_id FROM mailaudit.notices n WHERE created_at < $1 AND state IN ('sent', 'failed', 'ambiguous', 'shadowed', 'suppressed')
			AND NOT EXISTS (SELECT FROM mailaudit.runs WHERE run_key = n.run_key)
			AND NOT EXISTS (SELECT FROM mailaudit.account_states WHERE told_notice = n.notice_id) LIMIT $2))`
	expireHolds = `DELETE FROM mailaudit.holds WHERE ctid = ANY (ARRAY(
		SELECT h.ctid FROM mailaudit.holds h WHERE state <> 'open' AND decided_at < $1
			AND NOT EXISTS (SELECT FROM mailaudit.runs WHERE run_key = h.run_key) LIMIT $2))`
	expireActions = `DELETE FROM mailaudit.operator_actions WHERE action_id = ANY (ARRAY(
		SELECT action_id FROM mailaudit.operator_actions WHERE at < $1 LIMIT $2))`
	expireBounces = `DELETE FROM mailaudit.bounces WHERE address = ANY (ARRAY(
		SELECT address FROM mailaudit.bounces WHERE at < $1 LIMIT $2))`
	expireEvents = `DELETE FROM mailaudit.events WHERE seq = ANY (ARRAY(
		SELECT seq FROM mailaudit.events WHERE at < $1 AND state <> 'queued' LIMIT $2))`
	expireChecks = `DELETE FROM mailaudit.account_checks WHERE account_id = ANY (ARRAY(
		SELECT account_id FROM mailaudit.account_checks WHERE at < $1 LIMIT $2))`
)

func (s *Store) DiscardOld(ctx context.Context, t time.Time, limit int) (audit.Discarded, error) {
	key, err := one(ctx, s.pool, pgx.RowTo[string], `SELECT run_key FROM mailaudit.runs r
		WHERE started_at < $1 AND seq < (SELECT max(seq) FROM mailaudit.runs WHERE whole AND phase = 'done')
			AND NOT EXISTS (SELECT FROM mailaudit.holds WHERE run_key = r.run_key AND state = 'open')
			AND NOT EXISTS (SELECT FROM mailaudit.notices WHERE run_key = r.run_key AND state IN ('forming', 'queued', 'held', 'sending'))
		ORDER BY seq LIMIT 1`, timestamp(t))
	switch {
	case err == nil:
		return s.expireRun(ctx, key, limit)
	case !errors.Is(err, pgx.ErrNoRows):
		return audit.Discarded{}, fmt.Errorf("look for old runs: %w", err)
	}
	oldest, err := one(ctx, s.pool, pgx.RowTo[int64], `SELECT coalesce(min(seq), 0) FROM mailaudit.runs`)
	if err != nil {
		return audit.Discarded{}, fmt.Errorf("look for old runs: %w", err)
	}
	e, err := s.expireHistory(ctx, oldest, limit)
	if err != nil {
		return e, err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{
		{expireNotices, []any{timestamp(t), limit}}, {expireHolds, []any{timestamp(t), limit}},
		{expireActions, []any{timestamp(t), limit}}, {expireBounces, []any{timestamp(t), limit}},
		{expireChecks, []any{timestamp(t), limit}}, {expireEvents, []any{timestamp(t), limit}},
	} {
		n, err := s.count(ctx, "expire", step.query, step.args...)
		if err != nil {
			return audit.Discarded{}, err
		}
		e.More = e.More || n >= limit
	}
	return e, nil
}

func (s *Store) expireHistory(ctx context.Context, oldest int64, limit int) (e audit.Discarded, err error) {
	if oldest <= 1 {
		return e, nil // nothing can lie before the first run
	}
	err = s.eachChunk(ctx, "", func(from, to string) (bool, error) {
		for _, step := range [...]string{expireOutdated, expireLeft, expireStates} {
			n, err := s.count(ctx, "expire the history", step, oldest, limit, from, to)
			if err != nil {
				return false, err
			}
			e.More = e.More || n >= limit
		}
		return true, nil
	})
	return e, err
}

// expireRun takes a run's notes away, and the run with its last ones.
func (s *Store) expireRun(ctx context.Context, key string, limit int) (audit.Discarded, error) {
	n, err := s.count(ctx, "expire a run's notes", `DELETE FROM mailaudit.run_notes WHERE run_key = $1 AND account_id = ANY (ARRAY(
		SELECT account_id FROM mailaudit.run_notes WHERE run_key = $1 LIMIT $2))`, key, limit)
	if err != nil || n >= limit {
		return audit.Discarded{More: err == nil}, err
	}
	n, err = s.count(ctx, "expire a run", `DELETE FROM mailaudit.runs WHERE run_key = $1`, key)
	if err != nil || n == 0 {
		return audit.Discarded{More: err == nil}, err
	}
	return audit.Discarded{Run: key, More: true}, nil
}

func (s *Store) TenantFrom(ctx context.Context, tenant string) (int64, error) {
	seq, err := one(ctx, s.pool, pgx.RowTo[int64], `SELECT coalesce(min(seq), 0) FROM (
		SELECT seq FROM mailaudit.verdict_changes WHERE tenant_id = $1
		UNION ALL SELECT r.seq FROM mailaudit.run_notes n JOIN mailaudit.runs r USING (run_key) WHERE n.finding ->> 'TenantID' = $1) all_of_it`, tenant)
	if err != nil {
		return 0, fmt.Errorf("look for tenant %s: %w", tenant, err)
	}
	return seq, nil
}

func (s *Store) Purge(ctx context.Context, p audit.Purge) (done audit.Purged, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var open bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM mailaudit.runs WHERE phase <> 'done' AND status <> 'stopped')`).Scan(&open); err != nil {
			return err
		}
		if open {
			return audit.ErrRunOpen
		}
		names, err := tombstones(ctx, tx, p)
		if err != nil {
			return err
		}
		if err := purgeNotes(ctx, tx, p, names); err != nil {
			return err
		}
		if err := purgeAccounts(ctx, tx, p, names); err != nil {
			return err
		}
		done.Accounts = len(names)
		done.Notices, err = purgeTenant(ctx, tx, p)
		return err
	})
	if err != nil {
		return audit.Purged{}, fmt.Errorf("purge tenant %s: %w", p.Tenant, err)
	}
	return done, nil
}

// tombstones names those of the tenant's accounts.
func tombstones(ctx context.Context, tx pgx.Tx, p audit.Purge) (map[string]string, error) {
	ids, err := collect(ctx, tx, pgx.RowTo[string], `SELECT account_id FROM mailaudit.mail_accounts WHERE tenant_id = $1
		UNION SELECT account_id FROM mailaudit.account_states WHERE tenant_id = $1
		UNION SELECT account_id FROM mailaudit.verdict_changes WHERE tenant_id = $1
		UNION SELECT account_id FROM mailaudit.run_notes WHERE finding ->> 'TenantID' = $1
		UNION SELECT account_id FROM mailaudit.notice_items JOIN mailaudit.notices USING (notice_id) WHERE tenant_id = $1
		ORDER BY 1`, p.Tenant)
	if err != nil {
		return nil, err
	}
	shared, err := collect(ctx, tx, pgx.RowTo[string], `SELECT account_id FROM mailaudit.account_states WHERE tenant_id <> $1 AND account_id = ANY($2)
		UNION SELECT account_id FROM mailaudit.verdict_changes WHERE tenant_id <> $1 AND account_id = ANY($2)`, p.Tenant, list(ids))
	return p.Accounts(ids, shared), err
}

func purgeNotes(ctx context.Context, tx pgx.Tx, p audit.Purge, names map[string]string) error {
	type note struct{ key, id, finding string }
	notes, err := collect(ctx, tx, func(row pgx.CollectableRow) (n note, err error) {
		err = row.Scan(&n.key, &n.id, &n.finding)
		return n, err
	}, `SELECT run_key, account_id, finding::text FROM mailaudit.run_notes WHERE finding ->> 'TenantID' = $1`, p.Tenant)
	if err != nil {
		return err
	}
	put := &pgx.Batch{}
	for _, n := range notes {
		var f audit.Finding
		if err := json.Unmarshal([]byte(n.finding), &f); err != nil {
			return err
		}
		scrubbed, err := json.Marshal(p.Finding(f, names[n.id]))
		if err != nil {
			return err
		}
		put.Queue(`UPDATE mailaudit.run_notes SET account_id = $3, finding = $4::text::json WHERE run_key = $1 AND account_id = $2`,
			n.key, n.id, names[n.id], string(scrubbed))
	}
	return tx.SendBatch(ctx, put).Close()
}

func purgeAccounts(ctx context.Context, tx pgx.Tx, p audit.Purge, names map[string]string) error {
	was := slices.Sorted(maps.Keys(names))
	now := column(was, func(id string) string { return names[id] })
	put := &pgx.Batch{}
	put.Queue(`DELETE FROM mailaudit.renumbered WHERE new_id = ANY($1) OR former_id = ANY($1)`, was)
	put.Queue(`UPDATE mailaudit.verdict_changes c SET account_id = u.now, tenant_id = $4, tenant_name = '', address = '', reply = '', reason = ''
		FROM unnest($1::text[], $2::text[]) AS u (was, now) WHERE c.account_id = u.was AND c.tenant_id = $3`, was, now, p.Tenant, p.Tombstone)
	put.Queue(`UPDATE mailaudit.by_traffic t SET ids = (SELECT array_agg(coalesce(u.now, o.id) ORDER BY o.n)
			FROM unnest(t.ids) WITH ORDINALITY AS o (id, n) LEFT JOIN unnest($1::text[], $2::text[]) AS u (was, now) ON u.was = o.id)
		WHERE t.ids && $1::text[]`, was, now)
	put.Queue(`UPDATE mailaudit.notice_items i SET account_id = u.now FROM unnest($1::text[], $2::text[]) AS u (was, now), mailaudit.notices n
		WHERE i.account_id = u.was AND n.notice_id = i.notice_id AND n.tenant_id = $3`, was, now, p.Tenant)
	put.Queue(`DELETE FROM mailaudit.account_states WHERE tenant_id = $1 AND verdict = ''`, p.Tenant)
	put.Queue(`UPDATE mailaudit.account_states s SET account_id = u.now, tenant_id = $4, tenant_name = '', address = '', reply = '', reason = '',
			former_id = '', attested = '', fingerprint = '', accepted_fingerprint = '', accepted_binding = '', tried_fingerprint = '', run_key = '', run_result = NULL, run_verdict = '', run_quiet = false
		FROM unnest($1::text[], $2::text[]) AS u (was, now) WHERE s.account_id = u.was AND s.tenant_id = $3`, was, now, p.Tenant, p.Tombstone)
	return tx.SendBatch(ctx, put).Close()
}

// purgeTenant takes away what goes by the tenant, and returns how many of its mails are tombstones now. The
// batches of runs that are done hold nothing but ids.
func purgeTenant(ctx context.Context, tx pgx.Tx, p audit.Purge) (int, error) {
	put := &pgx.Batch{}
	put.Queue(`DELETE FROM mailaudit.dry_answers`) // they serve today's run alone, and the accounts may lie elsewhere
	put.Queue(`DELETE FROM mailaudit.mail_accounts WHERE tenant_id = $1`, p.Tenant)
	put.Queue(`DELETE FROM mailaudit.snoozes WHERE tenant_id = $1`, p.Tenant)
	for _, table := range []string{"account_checks", "events", "known_failing"} {
		put.Queue(`DELETE FROM mailaudit.`+table+` WHERE tenant_id = $1`, p.Tenant)
	}
	put.Queue(`DELETE FROM mailaudit.batches WHERE run_key IN (SELECT run_key FROM mailaudit.runs WHERE phase = 'done')`)
	put.Queue(`UPDATE mailaudit.operator_actions SET target = $2, why = '', nonce = gen_random_uuid()::text WHERE what = 'notices bounced' AND target IN (`+ownContacts+`)`, p.Tenant, p.Tombstone)
	put.Queue(`DELETE FROM mailaudit.bounces WHERE address IN (`+ownContacts+`)`, p.Tenant)
	if err := tx.SendBatch(ctx, put).Close(); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, `UPDATE mailaudit.notices SET tenant_id = $2, contact_email = 'purged-' || notice_id, recipient = '', recipient_domain = '',
		detail = CASE WHEN state IN ('sent', 'failed', 'ambiguous') THEN '' WHEN state IN ('shadowed', 'suppressed') THEN detail ELSE $3 END,
		state = CASE WHEN state IN ('sent', 'failed', 'ambiguous', 'shadowed', 'suppressed') THEN state ELSE 'suppressed' END
		WHERE tenant_id = $1`, p.Tenant, p.Tombstone, audit.PurgedDetail)
	return int(tag.RowsAffected()), err
}

// ownContacts are the addresses that no other tenant's mails went to.
const ownContacts = `SELECT lower(trim(contact_email)) FROM mailaudit.notices WHERE tenant_id = $1
	EXCEPT SELECT lower(trim(contact_email)) FROM mailaudit.notices WHERE tenant_id <> $1`
