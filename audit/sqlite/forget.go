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

// expiring are the steps that take away what no run needs any more: ?1 is the moment, ?2 the Seq of the oldest
// run that stays, ?3 the limit. The history keeps each account's last word before that run, unless it is that
// the account had left; its state goes after it.
var expiring = []string{
	`DELETE FROM verdict_changes WHERE (account_id, seq) IN (
		SELECT c.account_id, c.seq FROM verdict_changes c JOIN (
			SELECT account_id, max(seq) AS last FROM verdict_changes WHERE seq <= ?2 GROUP BY account_id HAVING count(*) > 1) l
		ON c.account_id = l.account_id AND c.seq < l.last LIMIT ?3)`,
	`DELETE FROM verdict_changes WHERE (account_id, seq) IN (
		SELECT account_id, seq FROM verdict_changes c WHERE verdict = 'gone' AND seq < ?2
			AND NOT EXISTS (SELECT 1 FROM verdict_changes WHERE account_id = c.account_id AND seq < c.seq) LIMIT ?3)`,
	`DELETE FROM account_states WHERE account_id IN (
		SELECT account_id FROM account_states WHERE verdict = 'gone' AND settled_seq <= ?2
			AND account_id NOT IN (SELECT account_id FROM verdict_changes) LIMIT ?3)`,
	`DELETE FROM notices WHERE notice_id IN (
		SELECT notice_id FROM notices n WHERE created_at < ?1 AND state IN ('sent', 'failed', 'ambiguous', 'shadowed', 'suppressed')
			AND run_key NOT IN (SELECT run_key FROM runs)
			AND NOT EXISTS (SELECT 1 FROM account_states WHERE told_notice = n.notice_id) LIMIT ?3)`,
	`DELETE FROM holds WHERE (run_key, provider) IN (
		SELECT run_key, provider FROM holds WHERE state <> 'open' AND decided_at < ?1 AND run_key NOT IN (SELECT run_key FROM runs) LIMIT ?3)`,
	`DELETE FROM operator_actions WHERE action_id IN (SELECT action_id FROM operator_actions WHERE at < ?1 LIMIT ?3)`,
	`DELETE FROM bounces WHERE address IN (SELECT address FROM bounces WHERE at < ?1 LIMIT ?3)`,
	`DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < ?1 AND state <> 'queued' LIMIT ?3)`,
	`DELETE FROM account_checks WHERE account_id IN (SELECT account_id FROM account_checks WHERE at < ?1 LIMIT ?3)`,
}

func (s *Store) DiscardOld(ctx context.Context, t time.Time, limit int) (e audit.Discarded, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		var key string
		err := tx.QueryRowContext(ctx, `SELECT run_key FROM runs WHERE started_at < ? AND run_key NOT IN (SELECT run_key FROM holds WHERE state = 'open')
			AND run_key NOT IN (SELECT run_key FROM notices WHERE state IN ('forming', 'queued', 'held', 'sending'))
			AND seq < (SELECT max(seq) FROM runs WHERE whole AND phase = 'done') ORDER BY seq LIMIT 1`, micros(t)).Scan(&key)
		if err == nil {
			e, err = expireRun(ctx, tx, key, limit)
			return err
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var oldest int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(min(seq), 0) FROM runs`).Scan(&oldest); err != nil {
			return err
		}
		for _, step := range expiring {
			res, err := tx.ExecContext(ctx, step, micros(t), oldest, limit)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			e.More = e.More || n >= int64(limit)
		}
		return nil
	})
	if err != nil {
		return audit.Discarded{}, fmt.Errorf("expire: %w", err)
	}
	return e, nil
}

// expireRun takes a run's notes away, and the run with its last ones.
func expireRun(ctx context.Context, tx *sql.Tx, key string, limit int) (audit.Discarded, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM run_notes WHERE run_key = ?1 AND account_id IN (
		SELECT account_id FROM run_notes WHERE run_key = ?1 LIMIT ?2)`, key, limit)
	if err != nil {
		return audit.Discarded{}, err
	}
	if n, err := res.RowsAffected(); err != nil || n >= int64(limit) {
		return audit.Discarded{More: true}, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM runs WHERE run_key = ?`, key)
	return audit.Discarded{Run: key, More: true}, err
}

func (s *Store) TenantFrom(ctx context.Context, tenant string) (seq int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(min(seq), 0) FROM (
		SELECT seq FROM verdict_changes WHERE tenant_id = ?1
		UNION ALL SELECT r.seq FROM run_notes n JOIN runs r USING (run_key) WHERE n.finding ->> 'TenantID' = ?1)`, tenant).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("look for tenant %s: %w", tenant, err)
	}
	return seq, nil
}

func (s *Store) Purge(ctx context.Context, p audit.Purge) (done audit.Purged, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		var open bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE phase <> 'done' AND status <> 'stopped')`).Scan(&open); err != nil {
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
		for was, now := range names {
			if err := purgeAccount(ctx, tx, p, was, now); err != nil {
				return err
			}
		}
		done.Accounts = len(names)
		done.Notices, err = purgeTenant(ctx, tx, p)
		return err
	})
	if err != nil {
		return audit.Purged{}, fmt.Errorf("purge tenant %s: %w", p.Tenant, err)
	}
	// What is deleted stands in the file's free pages and in the log until they are written over.
	for _, step := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.db.ExecContext(ctx, step); err != nil {
			return audit.Purged{}, fmt.Errorf("purge tenant %s: it is taken out, and its traces are still in the file: %w", p.Tenant, err)
		}
	}
	return done, nil
}

// tombstones names those of the tenant's accounts.
func tombstones(ctx context.Context, tx *sql.Tx, p audit.Purge) (map[string]string, error) {
	text := func(row scanner) (id string, err error) { err = row.Scan(&id); return id, err }
	rows, err := tx.QueryContext(ctx, `SELECT account_id FROM mail_accounts WHERE tenant_id = ?1
		UNION SELECT account_id FROM account_states WHERE tenant_id = ?1
		UNION SELECT account_id FROM verdict_changes WHERE tenant_id = ?1
		UNION SELECT account_id FROM run_notes WHERE finding ->> 'TenantID' = ?1
		UNION SELECT account_id FROM notice_items JOIN notices USING (notice_id) WHERE tenant_id = ?1
		ORDER BY 1`, p.Tenant)
	ids, err := collect(rows, err, text)
	if err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, `SELECT account_id FROM account_states WHERE tenant_id <> ?1 AND account_id IN (SELECT value FROM json_each(?2))
		UNION SELECT account_id FROM verdict_changes WHERE tenant_id <> ?1 AND account_id IN (SELECT value FROM json_each(?2))`, p.Tenant, array(ids))
	shared, err := collect(rows, err, text)
	return p.Accounts(ids, shared), err
}

func purgeNotes(ctx context.Context, tx *sql.Tx, p audit.Purge, names map[string]string) error {
	type note struct{ key, id, finding string }
	rows, err := tx.QueryContext(ctx, `SELECT run_key, account_id, finding FROM run_notes WHERE finding ->> 'TenantID' = ?`, p.Tenant)
	notes, err := collect(rows, err, func(row scanner) (n note, err error) {
		err = row.Scan(&n.key, &n.id, &n.finding)
		return n, err
	})
	if err != nil {
		return err
	}
	for _, n := range notes {
		var f audit.Finding
		if err := json.Unmarshal([]byte(n.finding), &f); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM run_notes WHERE run_key = ? AND account_id = ?`, n.key, n.id); err != nil {
			return err
		}
		if err := insertNote(ctx, tx, n.key, p.Finding(f, names[n.id])); err != nil {
			return err
		}
	}
	return nil
}

func purgeAccount(ctx context.Context, tx *sql.Tx, p audit.Purge, was, now string) error {
	for _, step := range []string{
		`DELETE FROM renumbered WHERE new_id = ?1 OR former_id = ?1 AND ?2 <> ?3 AND ?4 <> ''`,
		`UPDATE verdict_changes SET account_id = ?3, tenant_id = ?4, tenant_name = '', address = '', reply = '', reason = ''
			WHERE account_id = ?1 AND tenant_id = ?2`,
		`UPDATE by_traffic SET ids = (SELECT json_group_array(CASE value WHEN ?1 THEN ?3 ELSE value END) FROM json_each(ids))
			WHERE ids LIKE '%' || ?1 || '%' AND ?2 <> ?4`,
		`UPDATE notice_items SET account_id = ?3 WHERE account_id = ?1 AND notice_id IN (SELECT notice_id FROM notices WHERE tenant_id = ?2)`,
		`DELETE FROM account_states WHERE account_id = ?1 AND tenant_id = ?2 AND verdict = ''`,
		`UPDATE account_states SET account_id = ?3, tenant_id = ?4, tenant_name = '', address = '', reply = '', reason = '',
			former_id = '', attested = '', fingerprint = '', accepted_fingerprint = '', accepted_binding = '', tried_fingerprint = '', run_key = '', run_result = '', run_verdict = '', run_quiet = 0
			WHERE account_id = ?1 AND tenant_id = ?2`,
	} {
		if _, err := tx.ExecContext(ctx, step, was, p.Tenant, now, p.Tombstone); err != nil {
			return err
		}
	}
	return nil
}

// purgeTenant takes away what goes by the tenant, and returns how many of its mails are tombstones now. The
// batches of runs that are done hold nothing but ids.
func purgeTenant(ctx context.Context, tx *sql.Tx, p audit.Purge) (notices int, err error) {
	for _, step := range []string{
		`DELETE FROM dry_answers`, // they serve today's run alone
		`DELETE FROM mail_accounts WHERE tenant_id = ?1`,
		`DELETE FROM snoozes WHERE tenant_id = ?1`,
		`DELETE FROM account_checks WHERE tenant_id = ?1`,
		`DELETE FROM events WHERE tenant_id = ?1`,
		`DELETE FROM known_failing WHERE tenant_id = ?1`,
		`DELETE FROM batches WHERE run_key IN (SELECT run_key FROM runs WHERE phase = 'done')`,
		`UPDATE operator_actions SET target = ?2, why = '', nonce = hex(randomblob(16)) WHERE what = 'notices bounced' AND target IN (` + ownContacts + `)`,
		`DELETE FROM bounces WHERE address IN (` + ownContacts + `)`,
	} {
		if _, err := tx.ExecContext(ctx, step, p.Tenant, p.Tombstone); err != nil {
			return 0, err
		}
	}
	res, err := tx.ExecContext(ctx, `UPDATE notices SET tenant_id = ?2, contact_email = 'purged-' || notice_id, recipient = '', recipient_domain = '',
		detail = CASE WHEN state IN ('sent', 'failed', 'ambiguous') THEN '' WHEN state IN ('shadowed', 'suppressed') THEN detail ELSE ?3 END,
		state = CASE WHEN state IN ('sent', 'failed', 'ambiguous', 'shadowed', 'suppressed') THEN state ELSE 'suppressed' END
		WHERE tenant_id = ?1`, p.Tenant, p.Tombstone, audit.PurgedDetail)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// ownContacts are the addresses that no other tenant's mails went to.
const ownContacts = `SELECT lower(trim(contact_email)) FROM notices WHERE tenant_id = ?1
	EXCEPT SELECT lower(trim(contact_email)) FROM notices WHERE tenant_id <> ?1`
