//go:build unix

package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Statement is one that a program has sent, with the arguments of a few of the times that it did: texts as
// PostgreSQL writes them, nil for NULL.
type Statement struct {
	SQL       string      `json:"sql"`
	Arguments [][]*string `json:"arguments"`
}

// LogStatements has the cluster, which it starts again, log every statement of sessions from now on. Only for a
// cluster of the test's own.
func (c *Cluster) LogStatements() error {
	for _, setting := range []string{
		// What is set for a role goes over what the server was started with.
		`ALTER ROLE ` + Admin + ` SET log_min_messages = 'log'`, `ALTER ROLE ` + Admin + ` SET log_statement = 'all'`,
		`ALTER SYSTEM SET logging_collector = on`, `ALTER SYSTEM SET log_destination = 'jsonlog'`, `ALTER SYSTEM SET log_rotation_size = 0`,
	} {
		if err := c.exec(context.Background(), "postgres", setting); err != nil {
			return err
		}
	}
	return errors.Join(c.Down(), c.Up())
}

// samplesAtMost bounds the arguments that are kept of a statement.
const samplesAtMost = 3

// LoggedStatements returns what an application has asked since [Cluster.LogStatements], by text: queries and changes
// of rows, without those that define tables or frame transactions.
func (c *Cluster) LoggedStatements(application string) ([]Statement, error) {
	text, err := c.log()
	if err != nil {
		return nil, err
	}
	known := map[string]*Statement{}
	for line := range strings.Lines(text) {
		var entry struct {
			Application string `json:"application_name"`
			Message     string `json:"message"`
			Detail      string `json:"detail"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			return nil, fmt.Errorf("read the server's log: %w", err)
		}
		if entry.Application != application {
			continue
		}
		sql := sent.ReplaceAllString(entry.Message, "")
		if sql == entry.Message || !rows.MatchString(sql) {
			continue
		}
		s := known[sql]
		if s == nil {
			s = &Statement{SQL: sql}
			known[sql] = s
		}
		arguments := argumentsOf(entry.Detail)
		if len(s.Arguments) < samplesAtMost && !slices.ContainsFunc(s.Arguments, func(have []*string) bool { return same(have, arguments) }) {
			s.Arguments = append(s.Arguments, arguments)
		}
	}
	all := make([]Statement, 0, len(known))
	for _, s := range known {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Statement) int { return strings.Compare(a.SQL, b.SQL) })
	return all, nil
}

var (
	sent = regexp.MustCompile(`^(statement|execute [^:]*): `)
	rows = regexp.MustCompile(`(?i)^\s*(--[^\n]*\s*|/\*.*?\*/\s*)*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)
)

func same(a, b []*string) bool {
	return slices.EqualFunc(a, b, func(x, y *string) bool {
		return (x == nil) == (y == nil) && (x == nil || *x == *y)
	})
}

// argumentsOf reads "parameters: $1 = 'it”s', $2 = NULL".
func argumentsOf(detail string) (all []*string) {
	_, rest, found := strings.Cut(detail, "arameters: ")
	if !found {
		return nil
	}
	for rest != "" {
		_, value, found := strings.Cut(rest, " = ")
		if !found {
			return all
		}
		if after, null := strings.CutPrefix(value, "NULL"); null {
			all, rest = append(all, nil), strings.TrimPrefix(after, ", ")
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(value); i++ {
			if value[i] == '\'' {
				if i+1 == len(value) || value[i+1] != '\'' {
					break
				}
				i++
			}
			b.WriteByte(value[i])
		}
		text := b.String()
		all = append(all, &text)
		rest = strings.TrimPrefix(value[min(i+1, len(value)):], ", ")
	}
	return all
}

func (c *Cluster) log() (string, error) {
	conn, err := pgx.Connect(context.Background(), c.URL("postgres", Admin))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	var text string
	err = conn.QueryRow(context.Background(), `SELECT string_agg(pg_read_file('log/' || name), '' ORDER BY name) FROM pg_ls_dir('log') AS name
		WHERE name LIKE '%.json'`).Scan(&text)
	return text, err
}

// Play sends each statement once with each of its arguments and takes back what it did. It returns, in the
// statements' order, the error of each that cannot be run any more. That rows of its kind stand already, or are
// gone, is none.
func (c *Cluster) Play(ctx context.Context, database string, statements []Statement) ([]error, error) {
	conn, err := pgconn.Connect(ctx, c.URL(database, Admin))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.Background())
	failed := make([]error, len(statements))
	for i, s := range statements {
		for _, arguments := range s.Arguments {
			refused, err := play(ctx, conn, s.SQL, arguments)
			if err != nil {
				return nil, err
			}
			failed[i] = errors.Join(failed[i], refused)
		}
	}
	return failed, nil
}

func play(ctx context.Context, conn *pgconn.PgConn, sql string, arguments []*string) (refused, err error) {
	values := make([][]byte, len(arguments))
	for i, a := range arguments {
		if a != nil {
			values[i] = []byte(*a)
		}
	}
	if _, err := conn.Exec(ctx, `BEGIN`).ReadAll(); err != nil {
		return nil, err
	}
	refused = conn.ExecParams(ctx, sql, values, nil, nil, nil).Read().Err
	var said *pgconn.PgError
	if errors.As(refused, &said) && (said.Code == uniqueViolation || said.Code == foreignKeyViolation) {
		refused = nil
	}
	_, err = conn.Exec(ctx, `ROLLBACK`).ReadAll()
	return refused, err
}

const (
	foreignKeyViolation = "23503"
	uniqueViolation     = "23505"
)

// Dump is a schema of a database as SQL that [Cluster.Exec] plays.
func (c *Cluster) Dump(database, schema string) ([]byte, error) {
	dump := exec.Command(filepath.Join(c.bin, "pg_dump"), "--schema", schema, "--no-owner", "--no-privileges",
		"--inserts", "--rows-per-insert=500", c.URL(database, Admin))
	var complaint strings.Builder
	dump.Stderr = &complaint
	out, err := dump.Output()
	if err != nil {
		return nil, fmt.Errorf("pg_dump: %w: %s", err, complaint.String())
	}
	// Commands to psql, which keep a dump from being played by anybody else.
	return regexp.MustCompile(`(?m)^\\.*\n`).ReplaceAll(out, nil), nil
}
