package sqlite

import (
	"context"
	"fmt"

	"mailaudit/providers"
)

func (s *Store) SaveCapacity(ctx context.Context, key, provider, process string, b providers.Capacity) error {
	return s.exec(ctx, "note pace", `INSERT INTO paces (run_key, provider, process, at_once, refused) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (run_key, provider, process) DO UPDATE SET at_once = excluded.at_once, refused = excluded.refused`,
		key, provider, process, b.AtOnce, b.Refused)
}

func (s *Store) SavedCapacity(ctx context.Context, key, provider string) ([]providers.Capacity, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at_once, refused FROM paces WHERE run_key = ? AND provider = ?`, key, provider)
	all, err := collect(rows, err, func(row scanner) (b providers.Capacity, err error) {
		return b, row.Scan(&b.AtOnce, &b.Refused)
	})
	if err != nil {
		return nil, fmt.Errorf("read paces: %w", err)
	}
	return all, nil
}
