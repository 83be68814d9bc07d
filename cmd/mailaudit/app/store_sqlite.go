package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver/riversqlite"

	"mailaudit/audit"
	"mailaudit/audit/queue"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
)

type SqliteStorage struct {
	*sqlite.Store
	Path string
}

// openSQLite brings the tables up to date however it is opened: on SQLite every command may.
func openSQLite(ctx context.Context, c *config.Config, how Opening, log *slog.Logger) (Storage, error) {
	open := sqlite.Open
	if how == Creating || how == Importing {
		open = sqlite.Create
	}
	store, err := open(ctx, c.Database.Path)
	if errors.Is(err, sqlite.ErrNoDatabase) {
		return nil, exit.Usagef("%w: import accounts first (mailaudit accounts import FILE.csv), or correct database in the configuration", err)
	}
	if err != nil {
		return nil, err
	}
	s := SqliteStorage{store, c.Database.Path}
	if err := s.MigrateAll(ctx, log); err != nil {
		store.Close()
		return nil, err
	}
	return s, nil
}

func (s SqliteStorage) MigrateAll(ctx context.Context, log *slog.Logger) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return queue.Migrate(ctx, riversqlite.New(s.DB()), "", log)
}

func (s SqliteStorage) NewEngine(opts queue.Options) (Engine, error) {
	return queue.New(oneProcess{riversqlite.New(s.DB())}, opts)
}

// oneProcess has River tell its queues of new jobs within the process, which is the only one, see lock. Else it
// would write them down for others and look twenty times a second for what others wrote.
type oneProcess struct{ *riversqlite.Driver }

func (oneProcess) SupportsListener() bool     { return false }
func (oneProcess) SupportsListenNotify() bool { return false }

func (s SqliteStorage) Lock() (func() error, error) {
	unlock, err := sqlite.Lock(s.Path)
	if errors.Is(err, sqlite.ErrLocked) {
		return nil, ErrLocked
	}
	return unlock, err
}

func (s SqliteStorage) RecoverAll(ctx context.Context, now time.Time) error {
	return errors.Join(s.Recover(ctx), s.RetryNow(ctx, now))
}

func (s SqliteStorage) Reclaim(ctx context.Context, now time.Time) error {
	if _, err := s.ReclaimNotices(ctx, now.Add(-ClaimHolds)); err != nil {
		return err
	}
	return s.ReleaseMailJobs(ctx, ClaimHolds)
}

func (s SqliteStorage) WorkedOn(audit.Run, time.Time) bool {
	unlock, err := s.Lock()
	if err != nil {
		return true
	}
	unlock()
	return false
}
