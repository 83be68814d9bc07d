package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

const eventColumns = `event_id, type, subject, account_id, tenant_id, data, at, state, tries, tried_from, due_at, detail, settled_at`

func scanEvent(row pgx.CollectableRow) (e audit.Event, err error) {
	err = row.Scan(&e.ID, &e.Type, &e.Subject, &e.AccountID, &e.TenantID, &e.Data, scanTime{&e.At}, &e.State, &e.Tries,
		scanTime{&e.TriedFrom}, scanTime{&e.DueAt}, &e.Detail, scanTime{&e.SettledAt})
	return e, err
}

func (s *Store) KnownFailing(ctx context.Context, after string, limit int) ([]audit.KnownFailing, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (a audit.KnownFailing, err error) {
		err = row.Scan(&a.AccountID, &a.TenantID, &a.Verdict, scanTime{&a.Since}, &a.Shadow)
		return a, err
	}, `SELECT account_id, tenant_id, verdict, since, shadow FROM mailaudit.known_failing WHERE account_id > $1 ORDER BY account_id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read what the product knows: %w", err)
	}
	return all, nil
}

func (s *Store) WriteEvents(ctx context.Context, events []audit.Event) error {
	err := s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, e := range events {
			tag, err := tx.Exec(ctx, `INSERT INTO mailaudit.events (event_id, type, subject, account_id, tenant_id, data, at, tried_from, due_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7) ON CONFLICT DO NOTHING`,
				e.ID, string(e.Type), clean(e.Subject), clean(e.AccountID), clean(e.TenantID), clean(e.Data), timestamp(e.At))
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				continue
			}
			switch e.Type {
			case audit.EventFailing:
				_, err = tx.Exec(ctx, `INSERT INTO mailaudit.known_failing (account_id, tenant_id, verdict, since, shadow) VALUES ($1, $2, $3, $4, $5)
					ON CONFLICT (account_id) DO UPDATE SET tenant_id = excluded.tenant_id, verdict = excluded.verdict, since = excluded.since, shadow = excluded.shadow`,
					clean(e.AccountID), clean(e.TenantID), string(e.Verdict), timestamp(e.Since), e.Shadow)
			case audit.EventRecovered:
				_, err = tx.Exec(ctx, `DELETE FROM mailaudit.known_failing WHERE account_id = $1`, clean(e.AccountID))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

func (s *Store) ForgetKnown(ctx context.Context, ids []string) error {
	return s.exec(ctx, "forget what the product knows", `DELETE FROM mailaudit.known_failing WHERE account_id = ANY($1)`, list(ids))
}

func (s *Store) Warned(ctx context.Context, t time.Time, limit int) ([]audit.Warned, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (w audit.Warned, err error) {
		err = row.Scan(&w.AccountID, &w.TenantID, &w.Provider, &w.NoticeID, scanTime{&w.SentAt})
		return w, err
	}, `SELECT i.account_id, n.tenant_id, n.provider, n.notice_id, n.sent_at FROM mailaudit.notices n JOIN mailaudit.notice_items i USING (notice_id)
		WHERE n.kind = 'ahead' AND n.state = 'sent' AND n.sent_at >= $1
			AND NOT EXISTS (SELECT FROM mailaudit.events e WHERE e.event_id = 'evt_warned_' || n.notice_id || '_' || i.account_id)
		ORDER BY n.notice_id, i.account_id LIMIT $2`, timestamp(t), limit)
	if err != nil {
		return nil, fmt.Errorf("read warnings: %w", err)
	}
	return all, nil
}

func (s *Store) HoldsSince(ctx context.Context, t time.Time) ([]audit.Hold, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (h audit.Hold, err error) {
		err = row.Scan(&h.RunKey, &h.Provider, &h.State, scanTime{&h.OpenedAt}, scanTime{&h.DecidedAt})
		return h, err
	}, `SELECT run_key, provider, state, opened_at, decided_at FROM mailaudit.holds WHERE opened_at >= $1 OR decided_at >= $1 ORDER BY opened_at, provider`, timestamp(t))
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return all, nil
}

func (s *Store) DueEvents(ctx context.Context, now time.Time, limit int) ([]audit.Event, error) {
	all, err := collect(ctx, s.pool, scanEvent, `SELECT `+eventColumns+` FROM mailaudit.events e WHERE state = 'queued' AND due_at <= $1
		AND NOT EXISTS (SELECT FROM mailaudit.events f WHERE f.subject = e.subject AND f.state = 'queued' AND f.seq < e.seq)
		ORDER BY seq LIMIT $2`, timestamp(now), limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

func (s *Store) ClaimEvent(ctx context.Context, id string, tries int, now, until time.Time) (bool, error) {
	n, err := s.count(ctx, "claim an event", `UPDATE mailaudit.events SET tries = tries + 1, due_at = $4
		WHERE event_id = $1 AND state = 'queued' AND tries = $2 AND due_at <= $3`, id, tries, timestamp(now), timestamp(until))
	return n == 1, err
}

func (s *Store) EndTry(ctx context.Context, e audit.Event) error {
	return s.exec(ctx, "settle an event", `UPDATE mailaudit.events SET state = $3, detail = $4, due_at = $5, settled_at = $6
		WHERE event_id = $1 AND tries = $2 AND state = 'queued'`, e.ID, e.Tries, string(e.State), clean(e.Detail), timestamp(e.DueAt), timestamp(e.SettledAt))
}

func (s *Store) ListEvents(ctx context.Context, state audit.EventState, limit int) ([]audit.Event, error) {
	all, err := collect(ctx, s.pool, scanEvent, `SELECT `+eventColumns+` FROM mailaudit.events WHERE $1 = '' OR state = $1 ORDER BY seq DESC LIMIT $2`, string(state), limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

func (s *Store) ReplayEvents(ctx context.Context, ids []string, now time.Time) (int, error) {
	return s.count(ctx, "replay events", `UPDATE mailaudit.events SET state = 'queued', tried_from = $2, due_at = $2, settled_at = NULL
		WHERE CASE WHEN cardinality($1::text[]) = 0 THEN state = 'dead' ELSE state <> 'queued' AND event_id = ANY($1) END`, list(ids), timestamp(now))
}
