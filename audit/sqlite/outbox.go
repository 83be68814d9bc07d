package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

const noticeColumns = `notice_id, run_key, kind, tenant_id, contact_email, provider, state, detail, due_at, created_at, sent_at, tries, message_id, thread, hold_key, waits_since, waits_until`

func scanNotice(row scanner) (audit.Notice, error) {
	var n audit.Notice
	err := row.Scan(&n.ID, &n.RunKey, &n.Kind, &n.TenantID, &n.ContactEmail, &n.Provider, &n.State, &n.Detail,
		scanTime{&n.DueAt}, scanTime{&n.CreatedAt}, scanTime{&n.SentAt}, &n.Tries, &n.MessageID, &n.Thread, &n.HoldKey,
		scanTime{&n.WaitsSince}, scanTime{&n.WaitsUntil})
	return n, err
}

func (s *Store) notices(ctx context.Context, where string, args ...any) ([]audit.Notice, error) {
	return s.noticesOf(ctx, `SELECT `+noticeColumns+` FROM notices WHERE `+where, args...)
}

// noticesOf reads notices with their items by a query for noticeColumns.
func (s *Store) noticesOf(ctx context.Context, query string, args ...any) ([]audit.Notice, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	all, err := collect(rows, err, scanNotice)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	for i := range all {
		if all[i].Items, err = s.items(ctx, all[i].ID); err != nil {
			return nil, fmt.Errorf("read notice %d: %w", all[i].ID, err)
		}
	}
	return all, nil
}

func (s *Store) items(ctx context.Context, id int64) ([]audit.NoticeItem, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, verdict, since, step FROM notice_items
		WHERE notice_id = ? ORDER BY account_id`, id)
	return collect(rows, err, func(row scanner) (audit.NoticeItem, error) {
		var i audit.NoticeItem
		err := row.Scan(&i.AccountID, &i.Verdict, scanTime{&i.Since}, &i.Step)
		return i, err
	})
}

func (s *Store) Forming(ctx context.Context, key string) ([]audit.Notice, error) {
	if key == "" {
		return s.notices(ctx, `state = 'forming' AND run_key IN (`+runsDone+`) ORDER BY notice_id`)
	}
	return s.notices(ctx, `run_key = ? AND state = 'forming' ORDER BY notice_id`, key)
}

const runsDone = `SELECT run_key FROM runs WHERE phase = 'done'`

func (s *Store) Release(ctx context.Context, notices []audit.Notice) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, n := range notices {
			res, err := tx.ExecContext(ctx, `UPDATE notices SET state = ?, detail = ?, due_at = ?, hold_key = ?, recipient = ?, recipient_domain = ?
				WHERE notice_id = ? AND state = 'forming'`, string(n.State), n.Detail, micros(n.DueAt), n.HoldKey, n.Recipient, n.Domain, n.ID)
			if err != nil {
				return err
			}
			if moved, err := res.RowsAffected(); err != nil || moved == 0 {
				continue
			}
			if n.State == audit.NoticeShadowed {
				if err := told(ctx, tx, n.ID, n.CreatedAt, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("release notices: %w", err)
	}
	return nil
}

// stillTold: a reminder in shadow mode uses up its step, and takes nothing away from what the customer was told before.
const stillTold = `(?2 AND i.step > 1 AND told_step > 0 AND NOT told_shadow)`

// told notes in the states of a notice's accounts that their customer has it. The mail that says all is
// well ends the story.
func told(ctx context.Context, tx *sql.Tx, id int64, now time.Time, shadow bool) error {
	_, err := tx.ExecContext(ctx, `UPDATE account_states SET
			told_first_at = CASE WHEN i.step = 0 THEN NULL WHEN i.step = 1 OR told_step = 0 THEN ?1 ELSE told_first_at END,
			told_notice = CASE WHEN i.step = 0 THEN 0 WHEN i.step = 1 OR told_step = 0 THEN i.notice_id ELSE told_notice END,
			told_at = CASE WHEN `+stillTold+` THEN told_at ELSE ?1 END, told_shadow = CASE WHEN `+stillTold+` THEN 0 ELSE ?2 END,
			told_verdict = CASE WHEN i.step = 0 THEN '' WHEN `+stillTold+` THEN told_verdict ELSE i.verdict END, told_step = i.step
		FROM notice_items i JOIN notices n USING (notice_id)
		WHERE i.notice_id = ?3 AND i.account_id = account_states.account_id AND n.kind <> 'ahead'`, micros(now), shadow, id)
	return err
}

// DueNotices deals as [decide.Deal] does: whoever has had fewer mails in this night, those that stand before in the
// line counted, goes first.
func (s *Store) DueNotices(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error) {
	return s.noticesOf(ctx, `WITH had AS (
			SELECT tenant_id, count(*) AS mails FROM notices
			WHERE kind <> 'ahead' AND (state = 'sending' OR state IN ('sent', 'ambiguous') AND coalesce(sent_at, claimed_at) > ?3) GROUP BY tenant_id
		), due AS (
			SELECT n.*, n.kind = 'ahead' AS warns, `+recipient("n")+` AS whom, i.newest, i.mailboxes FROM notices n
			LEFT JOIN (SELECT notice_id, max(since) AS newest, count(*) AS mailboxes FROM notice_items GROUP BY notice_id) i USING (notice_id)
			WHERE state = 'queued' AND (due_at IS NULL OR due_at <= ?1) AND (waits_until IS NULL OR waits_until <= ?1)
		), weighed AS (
			SELECT due.*, CASE WHEN warns THEN 0 ELSE
					coalesce(mails, 0) + row_number() OVER (PARTITION BY warns, tenant_id ORDER BY newest DESC NULLS LAST, notice_id) END AS turn,
				CASE WHEN warns THEN sum(mailboxes) OVER (PARTITION BY warns, whom) ELSE 0 END AS weight,
				CASE WHEN warns THEN sum(mailboxes) OVER (PARTITION BY warns, tenant_id) ELSE 0 END AS size
			FROM due LEFT JOIN had USING (tenant_id)
		), placed AS (
			SELECT weighed.*, row_number() OVER (PARTITION BY warns ORDER BY warns AND thread > 0, weight DESC, size DESC,
				CASE WHEN warns THEN whom END, turn,
				newest DESC NULLS LAST, notice_id) AS place FROM weighed
		)
		SELECT `+noticeColumns+` FROM placed ORDER BY place, warns LIMIT ?2`, micros(now), limit, micros(now.Add(-audit.NightsApart)))
}

const putOff = `state = 'queued' AND tries > 0 AND due_at > ?1`

func (s *Store) Deferred(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error) {
	return s.notices(ctx, putOff+` ORDER BY due_at, notice_id LIMIT ?2`, micros(now), limit)
}

func (s *Store) RetryNow(ctx context.Context, now time.Time) error {
	return s.exec(ctx, "hasten notices", `UPDATE notices SET due_at = ?1 WHERE `+putOff, micros(now))
}

func (s *Store) LoadNotice(ctx context.Context, id int64) (audit.Notice, error) {
	all, err := s.notices(ctx, `notice_id = ?`, id)
	if err != nil {
		return audit.Notice{}, err
	}
	if len(all) == 0 {
		return audit.Notice{}, fmt.Errorf("no notice M-%d", id)
	}
	return all[0], nil
}

func (s *Store) ListNotices(ctx context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error) {
	return s.notices(ctx, `(?1 = '' OR run_key = ?1) AND (?2 = '' OR state = ?2) ORDER BY notice_id DESC LIMIT ?3`, key, string(state), limit)
}

// sentSince counts mails against a cap; the parameter is since when.
func sentSince(parameter string) string {
	return `SELECT count(*) FROM notices m WHERE
		(m.state = 'sending' OR m.state IN ('sent', 'ambiguous') AND coalesce(m.sent_at, m.claimed_at) >= ` + parameter + `)`
}

// recipient is the mailbox of a notice; one from before is known by its contact.
func recipient(alias string) string {
	return `coalesce(nullif(` + alias + `.recipient, ''), ` + alias + `.contact_email)`
}

var claim = `UPDATE notices SET state = 'sending', claimed_at = ?1, tries = tries + 1, waits_since = NULL, waits_until = NULL
	WHERE notice_id = ?2 AND state = 'queued'
	AND (` + sentSince("?3") + ` AND (m.kind = 'ahead') = (notices.kind = 'ahead')) < CASE WHEN kind = 'ahead' THEN ?9 ELSE ?4 END
	AND (` + sentSince("?5") + ` AND ` + recipient("m") + ` = ` + recipient("notices") + `) < ?6
	AND (` + sentSince("?5") + ` AND m.tenant_id = notices.tenant_id) < ?7
	AND (recipient_domain = '' OR (` + sentSince("?5") + ` AND m.recipient_domain = notices.recipient_domain
		AND (m.kind = 'ahead') = (notices.kind = 'ahead')) < CASE WHEN kind = 'ahead' THEN ?9 ELSE ?8 END)
	RETURNING tries`

func (s *Store) Claim(ctx context.Context, id int64, now time.Time, within audit.Allowance) (audit.Claim, error) {
	var got audit.Claim
	err := s.db.QueryRowContext(ctx, claim, micros(now), id, micros(within.NightFrom), within.Night,
		micros(within.DayFrom), within.Recipient, within.Tenant, within.Domain, within.Ahead).Scan(&got)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.NoClaim, nil
	}
	if err != nil {
		return audit.NoClaim, fmt.Errorf("claim notice %d: %w", id, err)
	}
	return got, nil
}

func (s *Store) KeepClaims(ctx context.Context, ids []int64, now time.Time) error {
	return s.exec(ctx, "keep claims", `UPDATE notices SET claimed_at = ?2 WHERE state = 'sending' AND notice_id IN (SELECT value FROM json_each(?1))`,
		array(ids), micros(now))
}

func (s *Store) ReclaimNotices(ctx context.Context, t time.Time) (int, error) {
	res, err := s.db.ExecContext(ctx, `UPDATE notices SET state = 'queued' WHERE state = 'sending' AND claimed_at < ?`, micros(t))
	if err != nil {
		return 0, fmt.Errorf("reclaim notices: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

func (s *Store) Wait(ctx context.Context, id int64, why string, now, until time.Time) error {
	return s.exec(ctx, "have notice wait", `UPDATE notices SET detail = ?, waits_since = coalesce(waits_since, ?), waits_until = ?
		WHERE notice_id = ? AND state = 'queued'`, why, micros(now), micros(until), id)
}

func (s *Store) EndWaits(ctx context.Context, now time.Time) error {
	return s.exec(ctx, "end waits", `UPDATE notices SET waits_until = ?1 WHERE state = 'queued' AND waits_until > ?1`, micros(now))
}

func (s *Store) Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var ours bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM notices
			WHERE notice_id = ?1 AND (state IN ('held', 'queued') AND ?2 = 0 OR state = 'sending' AND tries = ?2 AND ?2 > 0))`, id, claim).Scan(&ours); err != nil {
			return err
		}
		if !ours {
			return audit.ErrMoved
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM notice_items WHERE notice_id = ?
			AND account_id NOT IN (SELECT value FROM json_each(?))`, id, array(keep))
		return err
	})
	if err != nil {
		return fmt.Errorf("narrow notice %d: %w", id, err)
	}
	return nil
}

// asItStands has a notice's items say what its mail says: how the accounts stand now. ?1 are the failing verdicts.
const asItStands = `UPDATE notice_items SET verdict = s.verdict, since = s.since FROM account_states s, notices n
	WHERE n.notice_id = ?2 AND n.kind IN ('finding', 'reminder') AND notice_items.notice_id = n.notice_id
	AND s.account_id = notice_items.account_id AND s.verdict <> notice_items.verdict AND s.verdict IN (SELECT value FROM json_each(?1))`

func (s *Store) HandOver(ctx context.Context, id int64, claim audit.Claim, messageID string, now time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE notices SET state = 'ambiguous', message_id = ?,
			detail = 'handed to the relay; its answer is not known'
			WHERE notice_id = ? AND state = 'sending' AND tries = ?`, messageID, id, claim)
		if err != nil {
			return err
		}
		if err := moved(res); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, asItStands, failing, id); err != nil {
			return err
		}
		return told(ctx, tx, id, now, false)
	})
	if err != nil {
		return fmt.Errorf("hand over notice %d: %w", id, err)
	}
	return nil
}

func (s *Store) Sent(ctx context.Context, id int64, claim audit.Claim, now time.Time, detail string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE notices SET state = 'sent', sent_at = ?, detail = ?
			WHERE notice_id = ? AND state IN ('sending', 'ambiguous') AND tries = ?`, micros(now), detail, id, claim)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return told(ctx, tx, id, now, false)
	})
	if err != nil {
		return fmt.Errorf("mark notice %d sent: %w", id, err)
	}
	return nil
}

func (s *Store) Unsent(ctx context.Context, id int64, claim audit.Claim, state audit.NoticeState, detail string, due, now time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE notices SET state = ?, detail = ?, due_at = coalesce(?, due_at)
			WHERE notice_id = ? AND state IN ('sending', 'ambiguous') AND tries = ?`, string(state), detail, micros(due), id, claim)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || state != audit.NoticeFailed {
			return err
		}
		return told(ctx, tx, id, now, false)
	})
	if err != nil {
		return fmt.Errorf("mark notice %d: %w", id, err)
	}
	return nil
}

func (s *Store) CountNotices(ctx context.Context, key string) (map[audit.NoticeState]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT state, count(*) FROM notices WHERE run_key = ? GROUP BY state`, key)
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	defer rows.Close()
	counts := map[audit.NoticeState]int{}
	for rows.Next() {
		var state audit.NoticeState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, fmt.Errorf("count notices: %w", err)
		}
		counts[state.Shown()] += n
	}
	return counts, rows.Err()
}

func (s *Store) SentSince(ctx context.Context, t time.Time, to audit.SentTo) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, sentSince("?1")+` AND (?2 = '' OR `+recipient("m")+` = ?2) AND (?3 = '' OR m.tenant_id = ?3)
		AND (?4 = '' OR m.recipient_domain = ?4) AND (?5 = '' OR (m.kind = 'ahead') = (?5 = 'ahead'))`,
		micros(t), to.Recipient, to.Tenant, to.Domain, string(to.Line)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count sent notices: %w", err)
	}
	return n, nil
}

// leftBehind is a mail that its run could not queue: it never leaves.
const leftBehind = `(n.state = 'forming' AND n.run_key IN (` + runsDone + `))`

func (s *Store) Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT i.account_id,
			sum(n.state IN ('sent', 'ambiguous', 'queued', 'held', 'sending') AND coalesce(n.sent_at, n.created_at) >= ?),
			max(n.state IN ('forming', 'queued', 'held', 'sending') AND n.kind <> 'ahead' AND NOT `+leftBehind+`),
			max(n.state IN ('forming', 'queued', 'held', 'sending') AND n.kind IN ('recovered', 'correction') AND NOT `+leftBehind+`),
			max(CASE WHEN n.state = 'suppressed' AND n.detail LIKE 'discarded by %' THEN i.since END)
		FROM notice_items i JOIN notices n USING (notice_id)
		WHERE i.account_id IN (SELECT value FROM json_each(?)) GROUP BY i.account_id`, micros(since), array(ids))
	if err != nil {
		return nil, fmt.Errorf("read mailing: %w", err)
	}
	defer rows.Close()
	all := map[string]audit.Mailing{}
	for rows.Next() {
		var id string
		var m audit.Mailing
		if err := rows.Scan(&id, &m.Lately, &m.Pending, &m.Closing, scanTime{&m.Discarded}); err != nil {
			return nil, fmt.Errorf("read mailing: %w", err)
		}
		all[id] = m
	}
	return all, rows.Err()
}

// Recover puts right what a killed process left: on one database file there is one process, so whatever
// is marked as under way is not. Jobs are River's; they are made available again, and what waits after a
// failure is tried at once.
func (s *Store) Recover(ctx context.Context) error {
	if err := s.exec(ctx, "recover notices", `UPDATE notices SET state = 'queued' WHERE state = 'sending'`); err != nil {
		return err
	}
	return s.exec(ctx, "recover jobs", `UPDATE river_job SET state = 'available', scheduled_at = datetime('now', 'subsec')
		WHERE state IN ('running', 'retryable') OR state = 'available' AND scheduled_at > datetime('now', 'subsec')`)
}

// ReleaseMailJobs has the jobs of queued notices tried again that are marked as running for longer than d: who began them
// is dead, or could not note their end.
func (s *Store) ReleaseMailJobs(ctx context.Context, d time.Duration) error {
	return s.exec(ctx, "release jobs", `UPDATE river_job SET state = 'available', scheduled_at = datetime('now', 'subsec')
		WHERE state = 'running' AND kind = 'send_notice' AND datetime(attempted_at) < datetime('now', ?)
		AND CAST(json_extract(args, '$.notice') AS INTEGER) IN (SELECT notice_id FROM notices WHERE state = 'queued')`,
		fmt.Sprintf("-%d seconds", int(d.Seconds())))
}
