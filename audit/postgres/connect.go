package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxConns       = 10
	sourceConns    = 4 // reads of the accounts are short
	connectTimeout = 5 * time.Second
)

// configure reads a connection URL. Its errors do not repeat the URL's password.
func configure(url string, o Options) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	switch {
	case o.MaxConns > 0:
		c.MaxConns = int32(o.MaxConns)
	case !strings.Contains(url, "pool_max_conns"):
		c.MaxConns = maxConns
	}
	conn := c.ConnConfig
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	setDefault(conn.RuntimeParams, "application_name", "mailaudit")
	if o.Pooler {
		// pgbouncer refuses parameters that it does not know, and hands the next statement to another session.
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	} else {
		setDefault(conn.RuntimeParams, "statement_timeout", "15s")
		setDefault(conn.RuntimeParams, "lock_timeout", "5s")
		setDefault(conn.RuntimeParams, "synchronous_commit", "on")
		setDefault(conn.RuntimeParams, "idle_in_transaction_session_timeout", "15s")
	}
	if !strings.Contains(url, "sslmode") && os.Getenv("PGSSLMODE") == "" {
		return c, secure(&conn.Config)
	}
	return c, nil
}

func setDefault(params map[string]string, name, value string) {
	if _, ok := params[name]; !ok {
		params[name] = value
	}
}

// secure takes away what libpq's default, sslmode=prefer, allows: an unencrypted way to another machine.
func secure(c *pgconn.Config) error {
	all := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	var left []*pgconn.FallbackConfig
	for _, way := range all {
		if way.TLSConfig != nil || local(way.Host) {
			left = append(left, way)
		}
	}
	if len(left) == 0 {
		return errors.New("the database is on another machine and its URL allows no TLS")
	}
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = left[0].Host, left[0].Port, left[0].TLSConfig, left[1:]
	return nil
}

// local reports whether a host is this machine: a socket's folder or a loopback address.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// connectSource is connect for a source, whose database is the product's: a few connections are enough.
func connectSource(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	if c, err := configure(url, o); err == nil && o.MaxConns == 0 {
		o.MaxConns = min(int(c.MaxConns), sourceConns)
	}
	return connect(ctx, url, o)
}

// connect opens a pool and tries it once.
func connect(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	c, err := configure(url, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the database: %w", explain(err))
	}
	return pool, nil
}

// explain adds the remedy to refusals that have one.
func explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "3D000":
		return fmt.Errorf("%w: create it first, mailaudit never does", err)
	case "08P01":
		if strings.Contains(pg.Message, "unsupported startup parameter") {
			return fmt.Errorf("%w: this is pgbouncer; set database_pooler: transaction", err)
		}
	}
	return err
}
