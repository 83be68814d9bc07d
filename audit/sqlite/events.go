package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"mailaudit/audit"
)

const eventColumns = `event_id, type, subject, account_id, tenant_id, data, at, state, tries, tried_from, due_at, detail, settled_at`

func scanEvent(row scanner) (e audit.Event, err error) {
	err = row.Scan(&e.ID, &e.Type, &e.Subject, &e.AccountID, &e.TenantID, &e.Data, scanTime{&e.At}, &e.State, &e.Tries,
		scanTime{&e.TriedFrom}, scanTime{&e.DueAt}, &e.Detail, scanTime{&e.SettledAt})
	return e, err
}

func (s *Store) KnownFailing(ctx context.Context, after string, limit int) ([]audit.KnownFailing, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account_id, tenant_id, verdict, since, shadow FROM known_failing WHERE account_id > ? ORDER BY account_id LIMIT ?`, after, limit)
	all, err := collect(rows, err, func(row scanner) (a audit.KnownFailing, err error) {
		err = row.Scan(&a.AccountID, &a.TenantID, &a.Verdict, scanTime{&a.Since}, &a.Shadow)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what the product knows: %w", err)
	}
	return all, nil
}

func (s *Store) WriteEvents(ctx context.Context, events []audit.Event) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, e := range events {
			res, err := tx.ExecContext(ctx, `INSERT INTO events (event_id, type, subject, account_id, tenant_id, data, at, tried_from, due_at)
				VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7) ON CONFLICT DO NOTHING`, e.ID, string(e.Type), e.Subject, e.AccountID, e.TenantID, e.Data, micros(e.At))
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			switch e.Type {
			case audit.EventFailing:
				_, err = tx.ExecContext(ctx, `INSERT INTO known_failing (account_id, tenant_id, verdict, since, shadow) VALUES (?, ?, ?, ?, ?)
					ON CONFLICT (account_id) DO UPDATE SET tenant_id = excluded.tenant_id, verdict = excluded.verdict, since = excluded.since, shadow = excluded.shadow`,
					e.AccountID, e.TenantID, string(e.Verdict), micros(e.Since), e.Shadow)
			case audit.EventRecovered:
				_, err = tx.ExecContext(ctx, `DELETE FROM known_failing WHERE account_id = ?`, e.AccountID)
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
	return s.exec(ctx, "forget what the product knows", `DELETE FROM known_failing WHERE account_id IN (SELECT value FROM json_each(?))`, array(ids))
}

func (s *Store) Warned(ctx context.Context, t time.Time, limit int) ([]audit.Warned, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT i.account_id, n.tenant_id, n.provider, n.notice_id, n.sent_at FROM notices n JOIN notice_items i USING (notice_id)
		WHERE n.kind = 'ahead' AND n.state = 'sent' AND n.sent_at >= ?
			AND NOT EXISTS (SELECT 1 FROM events e WHERE e.event_id = 'evt_warned_' || n.notice_id || '_' || i.account_id)
		ORDER BY n.notice_id, i.account_id LIMIT ?`, micros(t), limit)
	all, err := collect(rows, err, func(row scanner) (w audit.Warned, err error) {
		err = row.Scan(&w.AccountID, &w.TenantID, &w.Provider, &w.NoticeID, scanTime{&w.SentAt})
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("read warnings: %w", err)
	}
	return all, nil
}

func (s *Store) HoldsSince(ctx context.Context, t time.Time) ([]audit.Hold, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT run_key, provider, state, opened_at, decided_at FROM holds
		WHERE opened_at >= ?1 OR decided_at >= ?1 ORDER BY opened_at, provider`, micros(t))
	all, err := collect(rows, err, func(row scanner) (h audit.Hold, err error) {
		err = row.Scan(&h.RunKey, &h.Provider, &h.State, scanTime{&h.OpenedAt}, scanTime{&h.DecidedAt})
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return all, nil
}

func (s *Store) DueEvents(ctx context.Context, now time.Time, limit int) ([]audit.Event, error) {
	return s.events(ctx, `state = 'queued' AND due_at <= ?
		AND NOT EXISTS (SELECT 1 FROM events f WHERE f.subject = events.subject AND f.state = 'queued' AND f.seq < events.seq)
		ORDER BY seq LIMIT ?`, micros(now), limit)
}

func (s *Store) events(ctx context.Context, where string, args ...any) ([]audit.Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+eventColumns+` FROM events WHERE `+where, args...)
	all, err := collect(rows, err, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

func (s *Store) ClaimEvent(ctx context.Context, id string, tries int, now, until time.Time) (bool, error) {
	n, err := s.touched(ctx, "claim an event", `UPDATE events SET tries = tries + 1, due_at = ?4
		WHERE event_id = ?1 AND state = 'queued' AND tries = ?2 AND due_at <= ?3`, id, tries, micros(now), micros(until))
	return n == 1, err
}

func (s *Store) EndTry(ctx context.Context, e audit.Event) error {
	return s.exec(ctx, "settle an event", `UPDATE events SET state = ?3, detail = ?4, due_at = ?5, settled_at = ?6
		WHERE event_id = ?1 AND tries = ?2 AND state = 'queued'`, e.ID, e.Tries, string(e.State), e.Detail, micros(e.DueAt), micros(e.SettledAt))
}

func (s *Store) ListEvents(ctx context.Context, state audit.EventState, limit int) ([]audit.Event, error) {
	return s.events(ctx, `?1 = '' OR state = ?1 ORDER BY seq DESC LIMIT ?2`, string(state), limit)
}

func (s *Store) ReplayEvents(ctx context.Context, ids []string, now time.Time) (int, error) {
	return s.touched(ctx, "replay events", `UPDATE events SET state = 'queued', tried_from = ?2, due_at = ?2, settled_at = NULL
		WHERE CASE WHEN json_array_length(?1) = 0 THEN state = 'dead'
			ELSE state <> 'queued' AND event_id IN (SELECT value FROM json_each(?1)) END`, array(ids), micros(now))
}

// touched runs one statement and returns how many rows it changed.
func (s *Store) touched(ctx context.Context, doing, query string, args ...any) (int, error) {
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
