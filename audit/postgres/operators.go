package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit"
)

func (s *Store) Act(ctx context.Context, a audit.Action) error {
	return s.exec(ctx, "keep action", `INSERT INTO mailaudit.operator_actions (at, who, what, target, why, nonce) VALUES ($1, $2, $3, $4, $5, $6)`,
		timestamp(a.At), clean(a.Who), clean(a.What), clean(a.Target), clean(a.Why), rand.Text())
}

func (s *Store) Actions(ctx context.Context, from, to time.Time) ([]audit.Action, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Action, error) {
		var a audit.Action
		err := row.Scan(&a.ID, &a.Nonce, scanTime{&a.At}, &a.Who, &a.What, &a.Target, &a.Why)
		return a, err
	}, `SELECT action_id, nonce, at, who, what, target, why FROM mailaudit.operator_actions
		WHERE at >= $1 AND at < $2 ORDER BY at, action_id`, timestamp(from), timestamp(to))
	if err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	return all, nil
}

func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	value, err := one(ctx, s.pool, pgx.RowTo[string], `SELECT value FROM mailaudit.settings WHERE name = $1`, name)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}

func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	return s.exec(ctx, "store setting", `INSERT INTO mailaudit.settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, clean(value))
}

func (s *Store) PutSnooze(ctx context.Context, z audit.Snooze) error {
	return s.exec(ctx, "snooze", `INSERT INTO mailaudit.snoozes (tenant_id, until, snoozed_by) VALUES ($1, $2, $3)
		ON CONFLICT (tenant_id) DO UPDATE SET until = excluded.until, snoozed_by = excluded.snoozed_by`, clean(z.TenantID), timestamp(z.Until), clean(z.By))
}

func (s *Store) DropSnooze(ctx context.Context, tenant string) (bool, error) {
	n, err := s.count(ctx, "end snooze", `DELETE FROM mailaudit.snoozes WHERE tenant_id = $1`, tenant)
	return n == 1, err
}

func (s *Store) Snoozes(ctx context.Context) ([]audit.Snooze, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (audit.Snooze, error) {
		var z audit.Snooze
		err := row.Scan(&z.TenantID, scanTime{&z.Until}, &z.By)
		return z, err
	}, `SELECT tenant_id, until, snoozed_by FROM mailaudit.snoozes ORDER BY tenant_id`)
	if err != nil {
		return nil, fmt.Errorf("read snoozes: %w", err)
	}
	return all, nil
}

func (s *Store) Bounced(ctx context.Context, address, detail string, now time.Time) error {
	return s.exec(ctx, "note bounce", `INSERT INTO mailaudit.bounces (address, detail, at) VALUES ($1, $2, $3)
		ON CONFLICT (address) DO UPDATE SET detail = excluded.detail, at = excluded.at`, clean(audit.FoldAddress(address)), clean(detail), timestamp(now))
}

func (s *Store) BouncedSince(ctx context.Context, t time.Time, limit int) ([]audit.Bounce, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (b audit.Bounce, err error) {
		return b, row.Scan(&b.Address, scanTime{&b.At})
	}, `SELECT address, at FROM mailaudit.bounces WHERE at >= $1 ORDER BY at DESC LIMIT $2`, timestamp(t), limit)
	if err != nil {
		return nil, fmt.Errorf("read bounces: %w", err)
	}
	return all, nil
}

func (s *Store) Bounces(ctx context.Context, addresses []string) (map[string]string, error) {
	all, err := s.pairs(ctx, `SELECT address, detail FROM mailaudit.bounces WHERE address = ANY($1)`, list(addresses))
	if err != nil {
		return nil, fmt.Errorf("read bounces: %w", err)
	}
	return all, nil
}
