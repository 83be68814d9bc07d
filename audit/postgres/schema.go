package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migration/*.sql
var migrations embed.FS

const versionTable = Schema + ".goose_db_version"

// SchemaError tells that the tables are not those that this program works with.
type SchemaError struct {
	Have int64 // 0: there are none
	Want int64
}

func (e *SchemaError) Error() string {
	switch {
	case e.Have == 0:
		return "the database has no tables of mailaudit: run mailaudit migrate"
	case e.Have < e.Want:
		return fmt.Sprintf("the database's tables are of version %d, this program needs %d: run mailaudit migrate", e.Have, e.Want)
	}
	return fmt.Sprintf("the database's tables are of version %d, this program knows %d: install the newer mailaudit", e.Have, e.Want)
}

// CheckSchema returns a [*SchemaError] unless the tables are those of this program.
func (s *Store) CheckSchema(ctx context.Context) error {
	want, err := newestMigration()
	if err != nil {
		return err
	}
	have, err := s.version(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have != want {
		return &SchemaError{Have: have, Want: want}
	}
	return nil
}

func (s *Store) version(ctx context.Context) (int64, error) {
	there, err := one(ctx, s.pool, pgx.RowTo[bool], `SELECT to_regclass($1::text) IS NOT NULL`, versionTable)
	if err != nil || !there {
		return 0, err
	}
	return one(ctx, s.pool, pgx.RowTo[int64], `SELECT coalesce(max(version_id), 0) FROM `+versionTable+` WHERE is_applied`)
}

func newestMigration() (int64, error) {
	files, err := fs.Glob(migrations, "migration/*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// Migrate brings the tables up to date. It refuses a database that a newer program has migrated.
func (s *Store) Migrate(ctx context.Context) error { return s.MigrateWith(ctx, nil) }

// MigrateWith brings the tables up to date and then calls queue, which does the same for River's tables
// through pool. Of several processes one migrates at a time. The lock belongs to a transaction that stays
// open meanwhile: a lock of the session, goose's own way, would not hold behind a pooler.
func (s *Store) MigrateWith(ctx context.Context, queue func(ctx context.Context, pool *pgxpool.Pool) error) error {
	pool, err := s.unhurried(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	for {
		done, err := s.tryMigrate(ctx, pool, queue)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process's migration: %w", context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// unhurried is a pool like the store's whose statements may take their time.
func (s *Store) unhurried(ctx context.Context) (*pgxpool.Pool, error) {
	c := s.pool.Config()
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(c.ConnConfig.RuntimeParams, name)
	}
	c.MaxConns, c.MinConns = 4, 0
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return pool, nil
}

// migrationLock is the number of the advisory lock.
const migrationLock = 0x6d61696c61756474 // "mailaudt"

func (s *Store) tryMigrate(ctx context.Context, pool *pgxpool.Pool, queue func(context.Context, *pgxpool.Pool) error) (done bool, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{
		BeginQuery: `begin; set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0`,
	}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(migrationLock)).Scan(&done); err != nil || !done {
			return err
		}
		if err := createSchema(ctx, pool); err != nil {
			return err
		}
		if err := migrate(ctx, pool); err != nil || queue == nil {
			return err
		}
		return queue(ctx, pool)
	})
	if err != nil {
		return false, fmt.Errorf("migrate: %w", err)
	}
	return done, nil
}

// createSchema makes the schema where it is missing. A role that owns its schema need not be allowed to make any.
func createSchema(ctx context.Context, pool *pgxpool.Pool) error {
	there, err := one(ctx, pool, pgx.RowTo[bool], `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, Schema)
	if err != nil || there {
		return err
	}
	_, err = pool.Exec(ctx, `CREATE SCHEMA `+Schema)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return fmt.Errorf("%w: create the schema with deploy/postgres/role.sql", err)
	}
	return err
}

func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	dir, err := fs.Sub(migrations, "migration")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithTableName(versionTable))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > known {
		return &SchemaError{Have: have, Want: known}
	}
	_, err = provider.Up(ctx)
	return err
}
