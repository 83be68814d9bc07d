package app

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

// Storage is the configured database, with what differs between its kinds.
type Storage interface {
	audit.Store

	// NewEngine makes the queue that stands in the database.
	NewEngine(opts queue.Options) (Engine, error)
	// Lock keeps other working processes away where there may be one only. errLocked if there is one.
	Lock() (unlock func() error, err error)
	// RecoverAll puts right what killed processes left, and has what waits after a failure tried at once.
	RecoverAll(ctx context.Context, now time.Time) error
	// Reclaim queues the mails again whose claims were last renewed longer than ClaimHolds ago, and has their jobs done.
	Reclaim(ctx context.Context, now time.Time) error
	// WorkedOn reports whether a process works on the run.
	WorkedOn(run audit.Run, now time.Time) bool
}

// Engine works on the jobs of a database; see [queue.Engine].
type Engine interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Wake()
}

// ErrLocked: another process works on the database, and only one may.
var ErrLocked = errors.New("another mailaudit works on this database")

// Opening says how a command wants its database.
type Opening int

const (
	Existing  Opening = iota // there must be one, with its tables up to date
	Migrating                // there must be one; its tables are brought up to date
	Creating                 // it is made where it can be, and its tables are brought up to date
)

// OpenStore opens the configured database.
func OpenStore(ctx context.Context, c *config.Config, how Opening, log *slog.Logger) (Storage, error) {
	if c.Database.Kind == config.PostgreSQL {
		return openPostgres(ctx, c, how, log)
	}
	return openSQLite(ctx, c, how, log)
}

const lockPoll = 500 * time.Millisecond

// LockStore takes the database's lock for a working command, waiting for it while wait allows.
func LockStore(ctx context.Context, s Storage, wait bool) (func() error, error) {
	for {
		unlock, err := s.Lock()
		if !errors.Is(err, ErrLocked) || !wait {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// Importing makes an SQLite database where there is none, and leaves PostgreSQL's tables as they are.
const Importing Opening = -1
