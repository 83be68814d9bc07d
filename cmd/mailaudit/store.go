package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver/riversqlite"

	"mailaudit/audit/queue"
	"mailaudit/audit/sqlite"
)

// openStore opens the configured database and brings its tables up to date, which on SQLite every command
// may do. With create it is made where there is none.
func openStore(ctx context.Context, c *Config, create bool, log *slog.Logger) (*sqlite.Store, error) {
	open := sqlite.Open
	if create {
		open = sqlite.Create
	}
	store, err := open(ctx, c.Database.Path)
	if errors.Is(err, sqlite.ErrNoDatabase) {
		return nil, usageError("%w: import accounts first (mailaudit accounts import FILE.csv), or correct database in the configuration", err)
	}
	if err != nil {
		return nil, err
	}
	if err := migrateStore(ctx, store, log); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

func migrateStore(ctx context.Context, store *sqlite.Store, log *slog.Logger) error {
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	return queue.Migrate(ctx, riversqlite.New(store.DB()), "", log)
}

// lockStore takes the database's lock for a working command, waiting for it while wait allows.
func lockStore(ctx context.Context, c *Config, wait bool) (func() error, error) {
	for {
		unlock, err := sqlite.Lock(c.Database.Path)
		if !errors.Is(err, sqlite.ErrLocked) || !wait {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database: %w", context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}
