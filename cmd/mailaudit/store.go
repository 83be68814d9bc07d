package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/queue"
	"mailaudit/cmd/mailaudit/config"
)

// storage is the configured database, with what differs between its kinds.
type storage interface {
	audit.Store

	// newEngine makes the queue that stands in the database.
	newEngine(opts queue.Options) (engine, error)
	// lock keeps other working processes away where there may be one only. errLocked if there is one.
	lock() (unlock func() error, err error)
	// recover puts right what killed processes left, and has what waits after a failure tried at once.
	recover(ctx context.Context, now time.Time) error
	// workedOn tells whether a process works on the run.
	workedOn(run audit.Run, now time.Time) bool
}

// engine works on the jobs of a database; see [queue.Engine].
type engine interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Wake()
}

// errLocked: another process works on the database, and it bears one.
var errLocked = errors.New("another mailaudit works on this database")

// opening says how a command wants its database.
type opening int

const (
	existing  opening = iota // there must be one, with its tables up to date
	migrating                // there must be one; its tables are brought up to date
	creating                 // it is made where it can be, and its tables are brought up to date
)

// openStore opens the configured database.
func openStore(ctx context.Context, c *config.Config, how opening, log *slog.Logger) (storage, error) {
	if c.Database.Kind == config.PostgreSQL {
		return openPostgres(ctx, c, how, log)
	}
	return openSQLite(ctx, c, how, log)
}

const lockPoll = 500 * time.Millisecond

// lockStore takes the database's lock for a working command, waiting for it while wait allows.
func lockStore(ctx context.Context, s storage, wait bool) (func() error, error) {
	for {
		unlock, err := s.lock()
		if !errors.Is(err, errLocked) || !wait {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}
