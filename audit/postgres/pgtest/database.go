//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the cluster of this test binary, started by the first test that asks for it.
var shared struct {
	sync.Mutex
	cluster   *Cluster
	err       error
	made      int
	templates map[string]error
}

// Main runs a package's tests and takes the shared cluster away, also when tests fail. It ends the process.
func Main(m *testing.M) {
	code := m.Run()
	shared.Lock()
	if shared.cluster != nil {
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// Shared is the cluster of this test binary. The test is skipped where PostgreSQL is not installed, or fails
// with MAILAUDIT_TEST_REQUIRE=1.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = Start()
		shared.templates = map[string]error{}
	}
	if errors.Is(shared.err, errMissing) {
		missing(t, shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// Own is a cluster of the test's own, which it may stop and crash.
func Own(t testing.TB) *Cluster {
	t.Helper()
	c, err := Start()
	if errors.Is(err, errMissing) {
		missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Template is a database that is prepared once in a test binary and copied for each test.
type Template struct {
	Name    string
	Prepare func(ctx context.Context, url string) error // as Admin
}

// Database makes an empty database in the shared cluster and returns its name.
func Database(t testing.TB) string {
	t.Helper()
	return Shared(t).create(t, "template0")
}

// Database makes a copy of the template in the shared cluster and returns its name.
func (tmpl Template) Database(t testing.TB) string {
	t.Helper()
	c := Shared(t)
	shared.Lock()
	err, known := shared.templates[tmpl.Name]
	if !known {
		err = c.prepare(t.Context(), tmpl)
		shared.templates[tmpl.Name] = err
	}
	shared.Unlock()
	if err != nil {
		t.Fatalf("prepare template %s: %v", tmpl.Name, err)
	}
	return c.create(t, tmpl.Name)
}

func (c *Cluster) prepare(ctx context.Context, tmpl Template) error {
	if err := c.exec(ctx, "postgres", `CREATE DATABASE `+pgx.Identifier{tmpl.Name}.Sanitize()+` TEMPLATE template0`); err != nil {
		return err
	}
	return tmpl.Prepare(ctx, c.URL(tmpl.Name, Admin))
}

func (c *Cluster) create(t testing.TB, template string) string {
	t.Helper()
	shared.Lock()
	shared.made++
	name := fmt.Sprintf("test_%d", shared.made)
	shared.Unlock()
	c.Exec(t, "postgres", `CREATE DATABASE `+name+` TEMPLATE `+pgx.Identifier{template}.Sanitize())
	t.Cleanup(func() {
		if err := c.exec(context.Background(), "postgres", `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return name
}

// Exec runs SQL as Admin; it may be several statements.
func (c *Cluster) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := c.exec(t.Context(), database, sql); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL(database, Admin))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%.60s: %w", sql, err)
	}
	return nil
}

// Texts runs a query of one column as Admin.
func (c *Cluster) Texts(t testing.TB, database, sql string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL(database, Admin))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("%.60s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%.60s: %v", sql, err)
	}
	return all
}

// Psql runs a file as Admin, as an operator does; settings are psql's variables as name=value.
func (c *Cluster) Psql(t testing.TB, database, file string, settings ...string) {
	t.Helper()
	args := []string{"--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", c.URL(database, Admin), "--file", file}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	psql := exec.CommandContext(t.Context(), filepath.Join(c.bin, "psql"), args...)
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("psql %s: %v\n%s", filepath.Base(file), err, out)
	}
}
