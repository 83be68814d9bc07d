package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mailaudit/providers"
)

func (s *Store) SaveCapacity(ctx context.Context, key, provider, process string, b providers.Capacity) error {
	return s.exec(ctx, "note pace", `INSERT INTO mailaudit.paces (run_key, provider, process, at_once, refused) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (run_key, provider, process) DO UPDATE SET at_once = excluded.at_once, refused = excluded.refused`,
		key, provider, process, b.AtOnce, b.Refused)
}

func (s *Store) SavedCapacity(ctx context.Context, key, provider string) ([]providers.Capacity, error) {
	all, err := collect(ctx, s.pool, func(row pgx.CollectableRow) (b providers.Capacity, err error) {
		return b, row.Scan(&b.AtOnce, &b.Refused)
	}, `SELECT at_once, refused FROM mailaudit.paces WHERE run_key = $1 AND provider = $2`, key, provider)
	if err != nil {
		return nil, fmt.Errorf("read paces: %w", err)
	}
	return all, nil
}
