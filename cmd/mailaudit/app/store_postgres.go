package app

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
	"mailaudit/cmd/mailaudit/exit"
)

type PostgresStorage struct {
	*postgres.Store
	Pooler bool
}

const (
	// beatEvery is how often a working process says that it works on a run, and asleepAfter how long after
	// that nobody does.
	beatEvery   = 15 * time.Second
	AsleepAfter = 2 * time.Minute
	// claimEvery is how often a process renews its claims to mails, and ClaimHolds how long a claim stands without. Who
	// had a mail in hand longer is dead or asleep.
	claimEvery = 5 * time.Second
	ClaimHolds = 20 * time.Second
)

func openPostgres(ctx context.Context, c *config.Config, how Opening, log *slog.Logger) (Storage, error) {
	pooler := c.DatabasePooler == "transaction"
	store, err := postgres.Open(ctx, c.Database.URL.Reveal(), postgres.Options{Pooler: pooler})
	if err != nil {
		return nil, err
	}
	s := PostgresStorage{store, pooler}
	if how == Existing || how == Importing {
		err = s.checkTables(ctx, log)
	} else {
		err = s.MigrateAll(ctx, log)
	}
	if err != nil {
		store.Close()
		return nil, err
	}
	return s, nil
}

// checkTables refuses a database whose tables, the queue's among them, are not those of this program.
func (s PostgresStorage) checkTables(ctx context.Context, log *slog.Logger) error {
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
		return exit.Usagef("%w, or give --migrate where the command has it", err)
	case wrong != nil:
		return exit.Usagef("%w", err)
	}
	return err
}

func (s PostgresStorage) MigrateAll(ctx context.Context, log *slog.Logger) error {
	return s.MigrateWith(ctx, func(ctx context.Context, pool *pgxpool.Pool) error {
		return queue.Migrate(ctx, riverpgxv5.New(pool), postgres.Schema, log)
	})
}

func (s PostgresStorage) NewEngine(opts queue.Options) (Engine, error) {
	opts.Schema, opts.PollOnly = postgres.Schema, s.Pooler
	return queue.New(riverpgxv5.New(s.Pool()), opts)
}

// Lock keeps nobody away: any number of processes work on one night.
func (s PostgresStorage) Lock() (func() error, error) { return func() error { return nil }, nil }

func (s PostgresStorage) RecoverAll(ctx context.Context, now time.Time) error {
	return errors.Join(s.Reclaim(ctx, now), s.RetryJobs(ctx), s.RetryNow(ctx, now))
}

func (s PostgresStorage) Reclaim(ctx context.Context, now time.Time) error {
	if _, err := s.ReclaimNotices(ctx, now.Add(-ClaimHolds)); err != nil {
		return err
	}
	return s.ReleaseMailJobs(ctx, ClaimHolds)
}

func (s PostgresStorage) WorkedOn(run audit.Run, now time.Time) bool {
	return now.Sub(run.HeartbeatAt) < AsleepAfter
}

// openAccounts opens the relation that the accounts are read from, where it is not the program's own table.
func openAccounts(ctx context.Context, c *config.Config) (*postgres.Source, error) {
	from := c.Accounts.Database
	if from.Kind == "" {
		from = c.Database
	}
	source, err := postgres.OpenSource(ctx, from.URL.Reveal(), c.Accounts.Relation, postgres.Options{Pooler: c.DatabasePooler == "transaction"})
	if errors.As(err, new(*postgres.RelationError)) {
		return nil, exit.Usagef("%w", err)
	}
	return source, err
}
