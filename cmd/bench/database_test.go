package bench

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit/postgres/pgtest"
)

// database makes an empty database, and starts PostgreSQL before the first.
func (s *stage) database(t *testing.T, round int) string {
	t.Helper()
	if s.cluster == nil {
		s.cluster = pgtest.Own(t)
		s.postmaster = postmasterOf(t, s.cluster)
	}
	name := fmt.Sprintf("bench%d", round)
	s.cluster.Exec(t, "postgres", "CREATE DATABASE "+name)
	return s.cluster.URL(name, pgtest.Admin)
}

func postmasterOf(t *testing.T, cluster *pgtest.Cluster) (pid int) {
	t.Helper()
	text := query[string](t, cluster.URL("postgres", pgtest.Admin), `SELECT pg_read_file('postmaster.pid')`)
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(text, "\n", 2)[0]))
	must(t, err)
	return pid
}

// databaseCPU is what PostgreSQL has used so far.
func (n *night) databaseCPU(t *testing.T) time.Duration {
	if n.kind != "postgres" {
		return 0
	}
	return familyCPU(t, n.postmaster)
}

func query[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(t.Context())
	var v T
	must(t, conn.QueryRow(t.Context(), sql, args...).Scan(&v))
	return v
}
