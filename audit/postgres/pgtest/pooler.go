//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pooler is a pgbouncer in transaction mode before a cluster.
type Pooler struct{ port int }

// Pool starts pgbouncer for the test. Each statement outside a transaction may meet another of its few
// server connections. The roles are those that may connect. The test is skipped where pgbouncer is not
// installed, or fails with MAILAUDIT_TEST_REQUIRE=1.
func (c *Cluster) Pool(t testing.TB, roles ...string) Pooler {
	t.Helper()
	program, err := pgbouncer()
	if err != nil {
		missing(t, err)
	}
	folder, err := folderOf(c.owner)
	if err != nil {
		t.Fatal(err)
	}
	p := Pooler{}
	if p.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	users := ""
	for _, role := range append(roles, Admin) {
		users += fmt.Sprintf("%q \"\"\n", role)
	}
	settings := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 6
max_client_conn = 500
server_round_robin = 1
`, c.Port, p.port, filepath.Join(folder, "users"))
	for name, text := range map[string]string{"users": users, "pgbouncer.ini": settings} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server, err := launch(folder, c.owner, program, filepath.Join(folder, "pgbouncer.ini"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.end(syscall.SIGTERM), os.RemoveAll(folder)); err != nil {
			t.Error(err)
		}
	})
	err = server.await(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, p.URL("postgres", Admin))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// URL is how a role reaches a database through the pooler.
func (p Pooler) URL(database, role string) string { return at(p.port, database, role) }

func pgbouncer() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	const usual = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(usual); err != nil {
		return "", errors.New("pgbouncer is not installed: apt-get install pgbouncer")
	}
	return usual, nil
}
