package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/queue"
	"mailaudit/cmd/mailaudit/config"
)

type postgresStorage struct {
	*postgres.Store
	pooler bool
}

const (
	// beatEvery is how often a working process says that it works on a run, and asleepAfter how long after
	// that nobody does.
	beatEvery   = 15 * time.Second
	asleepAfter = 2 * time.Minute
	// unsentAfter is how long a mail may be on its way to the final dot: longer than the queue lets a job run.
	// Who had it in hand longer is dead or asleep.
	unsentAfter = 90 * time.Second
)

func openPostgres(ctx context.Context, c *config.Config, how opening, log *slog.Logger) (storage, error) {
	pooler := c.DatabasePooler == "transaction"
	store, err := postgres.Open(ctx, c.Database.URL.Reveal(), postgres.Options{Pooler: pooler})
	if err != nil {
		return nil, err
	}
	s := postgresStorage{store, pooler}
	if how == existing || how == importing {
		err = s.checkTables(ctx, log)
	} else {
		err = s.migrate(ctx, log)
	}
	if err != nil {
		store.Close()
		return nil, err
	}
	return s, nil
}

// checkTables refuses a database whose tables, the queue's among them, are not those of this program.
func (s postgresStorage) checkTables(ctx context.Context, log *slog.Logger) error {
	if err := s.CheckSchema(ctx); err != nil {
		return schemaFault(err)
	}
	return schemaFault(queue.CheckTables(ctx, riverpgxv5.New(s.Pool()), postgres.Schema, log))
}

// schemaFault makes a usage error of tables that are not those of this program. No migration leads back from newer ones.
func schemaFault(err error) error {
	wrong := (*postgres.SchemaError)(nil)
	switch {
	case errors.Is(err, queue.ErrNotMigrated), errors.As(err, &wrong) && wrong.Have < wrong.Want:
		return usageError("%w, or give --migrate where the command has it", err)
	case wrong != nil:
		return usageError("%w", err)
	}
	return err
}

func (s postgresStorage) migrate(ctx context.Context, log *slog.Logger) error {
	return s.MigrateWith(ctx, func(ctx context.Context, pool *pgxpool.Pool) error {
		return queue.Migrate(ctx, riverpgxv5.New(pool), postgres.Schema, log)
	})
}

func (s postgresStorage) newEngine(opts queue.Options) (engine, error) {
	opts.Schema, opts.PollOnly = postgres.Schema, s.pooler
	return queue.New(riverpgxv5.New(s.Pool()), opts)
}

// lock keeps nobody away: any number of processes work on one night.
func (s postgresStorage) lock() (func() error, error) { return func() error { return nil }, nil }

func (s postgresStorage) recover(ctx context.Context, now time.Time) error {
	if _, err := s.ReclaimNotices(ctx, now.Add(-unsentAfter)); err != nil {
		return err
	}
	return errors.Join(s.RetryJobs(ctx), s.Hasten(ctx, now))
}

func (s postgresStorage) workedOn(run audit.Run, now time.Time) bool {
	return now.Sub(run.HeartbeatAt) < asleepAfter
}

// openAccounts opens the relation that the accounts are read from, where it is not the program's own table.
func openAccounts(ctx context.Context, c *config.Config) (*postgres.Source, error) {
	from := c.Accounts.Database
	if from.Kind == "" {
		from = c.Database
	}
	source, err := postgres.OpenSource(ctx, from.URL.Reveal(), c.Accounts.Relation, postgres.Options{Pooler: c.DatabasePooler == "transaction"})
	if errors.As(err, new(*postgres.RelationError)) {
		return nil, usageError("%w", err)
	}
	return source, err
}
