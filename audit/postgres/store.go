// Package postgres keeps everything in a PostgreSQL database, in the schema mailaudit, for any number of
// processes; River's tables stand in the same schema. Nothing it does needs a session of its own: it works
// through pgbouncer in transaction mode. Errors of the connection are returned, and the step that met one is
// begun again by its caller: what is stored twice is stored once.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"mailaudit/audit"
)

// Schema holds the program's tables and River's.
const Schema = "mailaudit"

// Store is an [audit.Store] in one PostgreSQL database.
type Store struct {
	pool *pgxpool.Pool
	*Source
}

var _ audit.Store = (*Store)(nil)

// Options say how the database is reached.
type Options struct {
	// Pooler: pgbouncer in transaction mode stands in between. Nothing is prepared, and timeouts are set in
	// each transaction instead of on connecting.
	Pooler bool
	// MaxConns bounds the connections of this process; 0 is 10, or pool_max_conns of the URL, and for a source 4 at most.
	MaxConns int
}

// Open connects to an existing database. Its tables may be missing; see [Store.CheckSchema].
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	pool, err := connect(ctx, url, o)
	if err != nil {
		return nil, err
	}
	return &Store{pool: pool, Source: ownAccounts(pool)}, nil
}

// Pool is the pool of connections, for River's driver.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Close closes the connections and waits for those in use.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

const (
	// stepTimeout bounds one call from our side, should the server or the network fall silent.
	stepTimeout = 20 * time.Second
	// again is how often a step is tried that lost against others' locks.
	again = 3
)

// begin opens a transaction in which no statement runs for over 5 seconds and which ends itself where the
// process falls silent, so that a stopped process holds no locks. What is committed is on disk, for mails leave
// on its word. SET LOCAL works behind a pooler too.
const begin = `begin; set local statement_timeout = '5s'; set local lock_timeout = '3s';
	set local idle_in_transaction_session_timeout = '5s'; set local synchronous_commit = on`

// inTx runs f in a transaction. f may run more than once.
func (s *Store) inTx(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return s.step(ctx, func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// step runs f within the timeout, and once more where it fell victim to a deadlock: such a step has left nothing.
func (s *Store) step(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	var err error
	for range again {
		var pg *pgconn.PgError
		if err = f(ctx); !errors.As(err, &pg) || pg.Code != "40P01" && pg.Code != "40001" {
			return err
		}
	}
	return err
}

// exec runs one statement.
func (s *Store) exec(ctx context.Context, doing, query string, args ...any) error {
	_, err := s.count(ctx, doing, query, args...)
	return err
}

// move is exec for a step that another process may have taken already.
func (s *Store) move(ctx context.Context, doing, query string, args ...any) error {
	n, err := s.count(ctx, doing, query, args...)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: %w", doing, audit.ErrMoved)
	}
	return err
}

// count runs one statement and returns how many rows it touched.
func (s *Store) count(ctx context.Context, doing, query string, args ...any) (int, error) {
	var n int64
	err := s.step(ctx, func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, query, args...)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return int(n), nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect reads all rows of a query. One that cannot be understood ends it with an [audit.RowError].
func collect[T any](ctx context.Context, q querier, scan func(pgx.CollectableRow) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) {
		v, err := scan(row)
		if err != nil {
			err = &audit.RowError{Err: err}
		}
		return v, err
	})
	if len(all) == 0 {
		all = nil
	}
	return all, err
}

// one reads the only row of a query; pgx.ErrNoRows if there is none.
func one[T any](ctx context.Context, q querier, scan func(pgx.CollectableRow) (T, error), query string, args ...any) (T, error) {
	all, err := collect(ctx, q, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}
