package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

const noticeColumns = `notice_id, run_key, kind, tenant_id, contact_email, provider, state, detail, due_at, created_at, sent_at, tries, message_id, thread, hold_key, waits_since, waits_until`

func scanNotice(row pgx.CollectableRow) (audit.Notice, error) {
	var n audit.Notice
	err := row.Scan(&n.ID, &n.RunKey, &n.Kind, &n.TenantID, &n.ContactEmail, &n.Provider, &n.State, &n.Detail,
		scanTime{&n.DueAt}, scanTime{&n.CreatedAt}, scanTime{&n.SentAt}, &n.Tries, &n.MessageID, &n.Thread, &n.HoldKey,
		scanTime{&n.WaitsSince}, scanTime{&n.WaitsUntil})
	return n, err
}

func (s *Store) notices(ctx context.Context, where string, args ...any) ([]audit.Notice, error) {
	return s.noticesOf(ctx, `SELECT `+noticeColumns+` FROM mailaudit.notices n WHERE `+where, args...)
}

// noticesOf reads notices with their items by a query for noticeColumns.
func (s *Store) noticesOf(ctx context.Context, query string, args ...any) ([]audit.Notice, error) {
	all, err := collect(ctx, s.pool, scanNotice, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	items, err := s.items(ctx, column(all, func(n audit.Notice) int64 { return n.ID }))
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	for i := range all {
		all[i].Items = items[all[i].ID]
	}
	return all, nil
}

func (s *Store) items(ctx context.Context, notices []int64) (map[int64][]audit.NoticeItem, error) {
	if len(notices) == 0 {
		return nil, nil
	}
	items := map[int64][]audit.NoticeItem{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var id int64
		var i audit.NoticeItem
		err := row.Scan(&id, &i.AccountID, &i.Verdict, scanTime{&i.Since}, &i.Step)
		items[id] = append(items[id], i)
		return struct{}{}, err
	}, `SELECT notice_id, account_id, verdict, since, step FROM mailaudit.notice_items
		WHERE notice_id = ANY($1) ORDER BY notice_id, account_id`, notices)
	return items, err
}

func (s *Store) Forming(ctx context.Context, key string) ([]audit.Notice, error) {
	if key == "" {
		return s.notices(ctx, `state = 'forming' AND run_key IN (`+runsDone+`) ORDER BY notice_id`)
	}
	return s.notices(ctx, `run_key = $1 AND state = 'forming' ORDER BY notice_id`, key)
}

const runsDone = `SELECT run_key FROM mailaudit.runs WHERE phase = 'done'`

// releasePage bounds the notices that one transaction releases. What is released is not forming any more, so
// a release that was cut off goes on where it stopped.
const releasePage = 500

func (s *Store) Release(ctx context.Context, notices []audit.Notice) error {
	for page := range slices.Chunk(notices, releasePage) {
		if err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error { return release(ctx, tx, page) }); err != nil {
			return fmt.Errorf("release notices: %w", err)
		}
	}
	return nil
}

func release(ctx context.Context, tx pgx.Tx, page []audit.Notice) error {
	type notice = audit.Notice
	rows, err := tx.Query(ctx, `UPDATE mailaudit.notices n SET state = u.state, detail = u.detail, due_at = u.due_at, hold_key = u.hold_key,
			recipient = u.recipient, recipient_domain = u.recipient_domain
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
			AS u (notice_id, state, detail, due_at, hold_key, recipient, recipient_domain)
		WHERE n.notice_id = u.notice_id AND n.state = 'forming' RETURNING n.notice_id, n.created_at, n.state = 'shadowed'`,
		column(page, func(n notice) int64 { return n.ID }),
		column(page, func(n notice) string { return string(n.State) }),
		texts(page, func(n notice) string { return n.Detail }),
		timestamps(page, func(n notice) time.Time { return n.DueAt }),
		texts(page, func(n notice) string { return n.HoldKey }),
		texts(page, func(n notice) string { return n.Recipient }),
		texts(page, func(n notice) string { return n.Domain }))
	if err != nil {
		return err
	}
	put := &pgx.Batch{}
	var id int64
	var created time.Time
	var shadowed bool
	_, err = pgx.ForEachRow(rows, []any{&id, scanTime{&created}, &shadowed}, func() error {
		if shadowed {
			put.Queue(told, id, timestamp(created), true)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tx.SendBatch(ctx, put).Close()
}

// stillTold: a reminder in shadow mode uses up its step, and takes nothing away from what the customer was told before.
const stillTold = `($3::boolean AND i.step > 1 AND told_step > 0 AND NOT told_shadow)`

// told notes in the states of a notice's accounts that their customer has it: notice, moment, whether in
// shadow. The mail that says all is well ends the story.
const told = `UPDATE mailaudit.account_states SET
		told_first_at = CASE WHEN i.step = 0 THEN NULL WHEN i.step = 1 OR told_step = 0 THEN $2 ELSE told_first_at END,
		told_notice = CASE WHEN i.step = 0 THEN 0 WHEN i.step = 1 OR told_step = 0 THEN i.notice_id ELSE told_notice END,
		told_at = CASE WHEN ` + stillTold + ` THEN told_at ELSE $2 END, told_shadow = CASE WHEN ` + stillTold + ` THEN false ELSE $3 END,
		told_verdict = CASE WHEN i.step = 0 THEN '' WHEN ` + stillTold + ` THEN told_verdict ELSE i.verdict END, told_step = i.step
	FROM mailaudit.notice_items i JOIN mailaudit.notices n USING (notice_id)
	WHERE i.notice_id = $1 AND i.account_id = account_states.account_id AND n.kind <> 'ahead'`

// DueNotices deals as [decide.Deal] does: whoever has had fewer mails in this night, those that stand before in the
// line counted, goes first.
func (s *Store) DueNotices(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error) {
	return s.noticesOf(ctx, `WITH had AS (
			SELECT tenant_id, count(*) AS mails FROM mailaudit.notices
			WHERE kind <> 'ahead' AND (state = 'sending' OR state IN ('sent', 'ambiguous') AND coalesce(sent_at, claimed_at) > $3) GROUP BY tenant_id
		), due AS (
			SELECT n.*, n.kind = 'ahead' AS warns, `+recipient("n")+` AS whom, i.newest, i.mailboxes FROM mailaudit.notices n
			LEFT JOIN LATERAL (SELECT max(since) AS newest, count(*) AS mailboxes FROM mailaudit.notice_items i WHERE i.notice_id = n.notice_id) i ON true
			WHERE state = 'queued' AND (due_at IS NULL OR due_at <= $1) AND (waits_until IS NULL OR waits_until <= $1)
		), weighed AS (
			SELECT due.*, CASE WHEN warns THEN 0 ELSE
					coalesce(mails, 0) + row_number() OVER (PARTITION BY warns, tenant_id ORDER BY newest DESC NULLS LAST, notice_id) END AS turn,
				CASE WHEN warns THEN sum(mailboxes) OVER (PARTITION BY warns, whom) ELSE 0 END AS weight,
				CASE WHEN warns THEN sum(mailboxes) OVER (PARTITION BY warns, tenant_id) ELSE 0 END AS size
			FROM due LEFT JOIN had USING (tenant_id)
		), placed AS (
			SELECT weighed.*, row_number() OVER (PARTITION BY warns ORDER BY warns AND thread > 0, weight DESC, size DESC,
				CASE WHEN warns THEN whom COLLATE "C" END, turn, newest DESC NULLS LAST, notice_id) AS place FROM weighed
		)
		SELECT `+noticeColumns+` FROM placed ORDER BY place, warns LIMIT $2`, timestamp(now), limit, timestamp(now.Add(-audit.NightsApart)))
}

func (s *Store) LoadNotice(ctx context.Context, id int64) (audit.Notice, error) {
	all, err := s.notices(ctx, `notice_id = $1`, id)
	if err != nil {
		return audit.Notice{}, err
	}
	if len(all) == 0 {
		return audit.Notice{}, fmt.Errorf("no notice M-%d", id)
	}
	return all[0], nil
}

const putOff = `state = 'queued' AND tries > 0 AND due_at > $1`

func (s *Store) Deferred(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error) {
	return s.notices(ctx, putOff+` ORDER BY due_at, notice_id LIMIT $2`, timestamp(now), limit)
}

func (s *Store) RetryNow(ctx context.Context, now time.Time) error {
	return s.exec(ctx, "hasten notices", `UPDATE mailaudit.notices SET due_at = $1 WHERE `+putOff, timestamp(now))
}

func (s *Store) ListNotices(ctx context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error) {
	return s.notices(ctx, `($1::text = '' OR run_key = $1) AND ($2::text = '' OR state = $2) ORDER BY notice_id DESC LIMIT $3`, key, string(state), limit)
}

func (s *Store) CountNotices(ctx context.Context, key string) (map[audit.NoticeState]int, error) {
	counts := map[audit.NoticeState]int{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var state audit.NoticeState
		var n int
		err := row.Scan(&state, &n)
		counts[state.Shown()] += n
		return struct{}{}, err
	}, `SELECT state, count(*) FROM mailaudit.notices WHERE run_key = $1 GROUP BY state`, key)
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	return counts, nil
}

func (s *Store) SentSince(ctx context.Context, t time.Time, to audit.SentTo) (int, error) {
	n, err := one(ctx, s.pool, pgx.RowTo[int], sentSince("$1")+`
		AND ($2::text = '' OR `+recipient("m")+` = $2) AND ($3::text = '' OR m.tenant_id = $3) AND ($4::text = '' OR m.recipient_domain = $4)
		AND ($5::text = '' OR (m.kind = 'ahead') = ($5 = 'ahead'))`,
		timestamp(t), clean(to.Recipient), clean(to.Tenant), clean(to.Domain), string(to.Line))
	if err != nil {
		return 0, fmt.Errorf("count sent notices: %w", err)
	}
	return n, nil
}

// leftBehind is a mail that its run could not queue: it never leaves.
const leftBehind = `(n.state = 'forming' AND n.run_key IN (` + runsDone + `))`

func (s *Store) Mailing(ctx context.Context, ids []string, since time.Time) (map[string]audit.Mailing, error) {
	all := map[string]audit.Mailing{}
	_, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (struct{}, error) {
		var id string
		var m audit.Mailing
		err := row.Scan(&id, &m.Lately, &m.Pending, &m.Closing, scanTime{&m.Discarded})
		all[id] = m
		return struct{}{}, err
	}, `SELECT i.account_id,
			count(*) FILTER (WHERE n.state IN ('sent', 'ambiguous', 'queued', 'held', 'sending') AND coalesce(n.sent_at, n.created_at) >= $1),
			bool_or(n.state IN ('forming', 'queued', 'held', 'sending') AND n.kind <> 'ahead' AND NOT `+leftBehind+`),
			bool_or(n.state IN ('forming', 'queued', 'held', 'sending') AND n.kind IN ('recovered', 'correction') AND NOT `+leftBehind+`),
			max(i.since) FILTER (WHERE n.state = 'suppressed' AND n.detail LIKE 'discarded by %')
		FROM mailaudit.notice_items i JOIN mailaudit.notices n USING (notice_id)
		WHERE i.account_id = ANY($2) GROUP BY i.account_id`, timestamp(since), list(ids))
	if err != nil {
		return nil, fmt.Errorf("read mailing: %w", err)
	}
	return all, nil
}
