package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mailaudit/audit"
)

func (s *Store) Act(ctx context.Context, a audit.Action) error {
	return s.exec(ctx, "keep action", `INSERT INTO operator_actions (at, who, what, target, why, nonce) VALUES (?, ?, ?, ?, ?, ?)`,
		micros(a.At), a.Who, a.What, a.Target, a.Why, rand.Text())
}

func (s *Store) Actions(ctx context.Context, from, to time.Time) ([]audit.Action, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT action_id, nonce, at, who, what, target, why FROM operator_actions
		WHERE at >= ? AND at < ? ORDER BY at, action_id`, micros(from), micros(to))
	all, err := collect(rows, err, func(row scanner) (audit.Action, error) {
		var a audit.Action
		err := row.Scan(&a.ID, &a.Nonce, scanTime{&a.At}, &a.Who, &a.What, &a.Target, &a.Why)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	return all, nil
}

func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	var value string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = ?`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}

func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	return s.exec(ctx, "store setting", `INSERT INTO settings (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

func (s *Store) PutSnooze(ctx context.Context, z audit.Snooze) error {
	return s.exec(ctx, "snooze", `INSERT INTO snoozes (tenant_id, until, snoozed_by) VALUES (?, ?, ?)
		ON CONFLICT (tenant_id) DO UPDATE SET until = excluded.until, snoozed_by = excluded.snoozed_by`, z.TenantID, micros(z.Until), z.By)
}

func (s *Store) DropSnooze(ctx context.Context, tenant string) (bool, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM snoozes WHERE tenant_id = ?`, tenant)
	if err != nil {
		return false, fmt.Errorf("end snooze: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func (s *Store) Snoozes(ctx context.Context) ([]audit.Snooze, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT tenant_id, until, snoozed_by FROM snoozes ORDER BY tenant_id`)
	all, err := collect(rows, err, func(row scanner) (audit.Snooze, error) {
		var z audit.Snooze
		err := row.Scan(&z.TenantID, scanTime{&z.Until}, &z.By)
		return z, err
	})
	if err != nil {
		return nil, fmt.Errorf("read snoozes: %w", err)
	}
	return all, nil
}

func (s *Store) Bounced(ctx context.Context, address, detail string, now time.Time) error {
	return s.exec(ctx, "note bounce", `INSERT INTO bounces (address, detail, at) VALUES (?, ?, ?)
		ON CONFLICT (address) DO UPDATE SET detail = excluded.detail, at = excluded.at`, audit.FoldAddress(address), detail, micros(now))
}

func (s *Store) BouncedSince(ctx context.Context, t time.Time, limit int) ([]audit.Bounce, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT address, at FROM bounces WHERE at >= ? ORDER BY at DESC LIMIT ?`, micros(t), limit)
	all, err := collect(rows, err, func(row scanner) (b audit.Bounce, err error) { return b, row.Scan(&b.Address, scanTime{&b.At}) })
	if err != nil {
		return nil, fmt.Errorf("read bounces: %w", err)
	}
	return all, nil
}

func (s *Store) Bounces(ctx context.Context, addresses []string) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT address, detail FROM bounces WHERE address IN (SELECT value FROM json_each(?))`, array(addresses))
	if err != nil {
		return nil, fmt.Errorf("read bounces: %w", err)
	}
	defer rows.Close()
	bounced := map[string]string{}
	for rows.Next() {
		var address, detail string
		if err := rows.Scan(&address, &detail); err != nil {
			return nil, fmt.Errorf("read bounces: %w", err)
		}
		bounced[address] = detail
	}
	return bounced, rows.Err()
}
