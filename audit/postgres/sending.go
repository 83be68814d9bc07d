package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
)

// sentSince counts mails against a cap; the parameter is since when.
func sentSince(parameter string) string {
	return `SELECT count(*) FROM mailaudit.notices m WHERE
		(m.state = 'sending' OR m.state IN ('sent', 'ambiguous') AND coalesce(m.sent_at, m.claimed_at) >= ` + parameter + `)`
}

// recipient is the mailbox of a notice; one from before is known by its contact.
func recipient(alias string) string {
	return `coalesce(nullif(` + alias + `.recipient, ''), ` + alias + `.contact_email)`
}

// lockClaims lets one process at a time count and claim. The lock ends with the transaction.
const lockClaims = `SELECT pg_advisory_xact_lock(hashtextextended('mailaudit claims', 0))`

var claim = `UPDATE mailaudit.notices n SET state = 'sending', claimed_at = $1, tries = tries + 1, waits_since = NULL, waits_until = NULL
	WHERE notice_id = $2 AND state = 'queued'
	AND (` + sentSince("$3") + ` AND (m.kind = 'ahead') = (n.kind = 'ahead')) < CASE WHEN n.kind = 'ahead' THEN $9::int ELSE $4::int END
	AND (` + sentSince("$5") + ` AND ` + recipient("m") + ` = ` + recipient("n") + `) < $6
	AND (` + sentSince("$5") + ` AND m.tenant_id = n.tenant_id) < $7
	AND (n.recipient_domain = '' OR (` + sentSince("$5") + ` AND m.recipient_domain = n.recipient_domain
		AND (m.kind = 'ahead') = (n.kind = 'ahead')) < CASE WHEN n.kind = 'ahead' THEN $9::int ELSE $8::int END)
	RETURNING tries`

func (s *Store) Claim(ctx context.Context, id int64, now time.Time, within audit.Allowance) (audit.Claim, error) {
	var got audit.Claim
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		got = audit.NoClaim
		put := &pgx.Batch{}
		put.Queue(lockClaims)
		put.Queue(claim, timestamp(now), id, timestamp(within.NightFrom), within.Night, timestamp(within.DayFrom), within.Recipient, within.Tenant, within.Domain, within.Ahead).
			QueryRow(func(row pgx.Row) error {
				if err := row.Scan(&got); !errors.Is(err, pgx.ErrNoRows) {
					return err
				}
				return nil
			})
		return tx.SendBatch(ctx, put).Close()
	})
	if err != nil {
		return audit.NoClaim, fmt.Errorf("claim notice %d: %w", id, err)
	}
	return got, nil
}

func (s *Store) KeepClaims(ctx context.Context, ids []int64, now time.Time) error {
	return s.exec(ctx, "keep claims", `UPDATE mailaudit.notices SET claimed_at = $2 WHERE state = 'sending' AND notice_id = ANY($1)`, ids, timestamp(now))
}

func (s *Store) ReclaimNotices(ctx context.Context, t time.Time) (int, error) {
	return s.count(ctx, "reclaim notices", `UPDATE mailaudit.notices SET state = 'queued' WHERE state = 'sending' AND claimed_at < $1`, timestamp(t))
}

func (s *Store) Wait(ctx context.Context, id int64, why string, now, until time.Time) error {
	return s.exec(ctx, "have notice wait", `UPDATE mailaudit.notices SET detail = $1, waits_since = coalesce(waits_since, $2), waits_until = $3
		WHERE notice_id = $4 AND state = 'queued'`, clean(why), timestamp(now), timestamp(until), id)
}

func (s *Store) EndWaits(ctx context.Context, now time.Time) error {
	return s.exec(ctx, "end waits", `UPDATE mailaudit.notices SET waits_until = $1 WHERE state = 'queued' AND waits_until > $1`, timestamp(now))
}

func (s *Store) Narrow(ctx context.Context, id int64, claim audit.Claim, keep []string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT FROM mailaudit.notices WHERE notice_id = $1
			AND (state IN ('held', 'queued') AND $2 = 0 OR state = 'sending' AND tries = $2 AND $2 > 0) FOR NO KEY UPDATE`, id, claim)
		if err := moved(tag, err); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM mailaudit.notice_items WHERE notice_id = $1 AND account_id <> ALL($2)`, id, list(keep))
		return err
	})
	if err != nil {
		return fmt.Errorf("narrow notice %d: %w", id, err)
	}
	return nil
}

// moved returns ErrMoved where a step changed nothing.
func moved(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return audit.ErrMoved
	}
	return err
}

// asItStands has a notice's items say what its mail says: how the accounts stand now. $1 are the failing verdicts.
const asItStands = `UPDATE mailaudit.notice_items i SET verdict = s.verdict, since = s.since FROM mailaudit.account_states s, mailaudit.notices n
	WHERE n.notice_id = $2 AND n.kind IN ('finding', 'reminder') AND i.notice_id = n.notice_id
	AND s.account_id = i.account_id AND s.verdict <> i.verdict AND s.verdict = ANY($1)`

func (s *Store) HandOver(ctx context.Context, id int64, claim audit.Claim, messageID string, now time.Time) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := moved(tx.Exec(ctx, `UPDATE mailaudit.notices SET state = 'ambiguous', message_id = $1,
			detail = 'handed to the relay; its answer is not known'
			WHERE notice_id = $2 AND state = 'sending' AND tries = $3`, messageID, id, claim)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, asItStands, failing(), id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, told, id, timestamp(now), false)
		return err
	})
	if err != nil {
		return fmt.Errorf("hand over notice %d: %w", id, err)
	}
	return nil
}

func (s *Store) Sent(ctx context.Context, id int64, claim audit.Claim, now time.Time, detail string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE mailaudit.notices SET state = 'sent', sent_at = $1, detail = $2
			WHERE notice_id = $3 AND state IN ('sending', 'ambiguous') AND tries = $4`, timestamp(now), clean(detail), id, claim)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		_, err = tx.Exec(ctx, told, id, timestamp(now), false)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark notice %d sent: %w", id, err)
	}
	return nil
}

func (s *Store) Unsent(ctx context.Context, id int64, claim audit.Claim, state audit.NoticeState, detail string, due, now time.Time) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE mailaudit.notices SET state = $1, detail = $2, due_at = coalesce($3, due_at)
			WHERE notice_id = $4 AND state IN ('sending', 'ambiguous') AND tries = $5`, string(state), clean(detail), timestamp(due), id, claim)
		if err != nil || tag.RowsAffected() == 0 || state != audit.NoticeFailed {
			return err
		}
		_, err = tx.Exec(ctx, told, id, timestamp(now), false)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark notice %d: %w", id, err)
	}
	return nil
}
