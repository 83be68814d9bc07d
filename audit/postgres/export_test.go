package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Passing is for tests.
var Passing = passing

// InTx opens a transaction as every step does.
func (s *Store) InTx(ctx context.Context, f func(run func(sql string) error) error) error {
	return s.inTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return f(func(sql string) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
	})
}

// SourceOf reads accounts from another relation of the store's database. Closing the store closes it.
func (s *Store) SourceOf(ctx context.Context, relation string) (*Source, error) {
	return openSource(ctx, s.pool, relation)
}
