package scenario

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/queue"
	"mailaudit/audit/seal"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/years"
	"mailaudit/providers"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// yearsStorage is the database of a world as one process of the program has it.
type yearsStorage struct {
	audit.Store
	w        *years.World
	p        *years.Process // nil where nobody works, and something is looked at
	under    audit.Store
	postgres bool
}

func (s yearsStorage) NewEngine(opts queue.Options) (app.Engine, error) {
	return s.w.NewEngine(s.p, opts), nil
}

func (s yearsStorage) Lock() (func() error, error) {
	if s.postgres || s.p == nil {
		return func() error { return nil }, nil
	}
	unlock, err := s.w.Lock(s.p)
	if err == nil && unlock == nil {
		s.p.Pause(years.LookEvery / 2) // or a run that waits for another would look thousands of times
		err = app.ErrLocked
	}
	return unlock, err
}

func (s yearsStorage) RecoverAll(ctx context.Context, now time.Time) error {
	if s.postgres {
		return errors.Join(s.Reclaim(ctx, now), s.RetryNow(ctx, now))
	}
	if err := s.p.Call("Recover", func() error { return s.under.(*sqlite.Store).Recover(ctx) }); err != nil {
		return err
	}
	return s.RetryNow(ctx, now)
}

func (s yearsStorage) Reclaim(ctx context.Context, now time.Time) error {
	_, err := s.ReclaimNotices(ctx, now.Add(-app.ClaimHolds))
	return err
}

func (s yearsStorage) WorkedOn(run audit.Run, now time.Time) bool {
	if s.postgres {
		return now.Sub(run.HeartbeatAt) < app.AsleepAfter
	}
	if s.p == nil {
		return s.w.Locked()
	}
	unlock, err := s.Lock()
	if err != nil {
		return true
	}
	unlock()
	return false
}

// yearsHost is the program in a world.
type yearsHost struct {
	dir     string // where the configuration stands
	keyset  string
	keys    *app.Keyring
	cluster *pgtest.Cluster // nil: worlds have their databases in memory
	url     string          // of the world's database there
}

// yearsRelay is the world's relay.
type yearsRelay struct{ notice.Carrier }

func (yearsRelay) Close() error { return nil }

// in gives a world its database. It is to be called within the bubble.
func (h *yearsHost) in(t testing.TB) years.Host {
	if h.url != "" {
		return h.onPostgres(t)
	}
	return h.onSQLite(t)
}

// onPostgres gives a world the database that [yearsHost.own] has made for it. Its pool must not keep house: a world's
// hours pass in no time.
func (h *yearsHost) onPostgres(t testing.TB) years.Host {
	store, err := postgres.Open(context.Background(), h.url+"?pool_max_conn_lifetime=87600h&pool_max_conn_idle_time=87600h&pool_health_check_period=8760h",
		postgres.Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDBFromPool(store.Pool())
	t.Cleanup(func() { db.Close(); store.Close() })
	return h.host("postgres", store, db, postgres.Schema+".", true)
}

// onSQLite gives a world the database in memory.
func (h *yearsHost) onSQLite(t testing.TB) years.Host {
	store, err := sqlite.InMemory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := (app.SqliteStorage{Store: store, Path: ""}).MigrateAll(context.Background(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return h.host("sqlite", store, store.DB(), "", false)
}

// database is the world's as the configuration names it; the one in memory has a path that nobody opens.
func (h *yearsHost) database() string {
	if h.url != "" {
		return h.url + "?sslmode=disable"
	}
	return "sqlite:" + filepath.Join(h.dir, "none.db")
}

// show has the program show something of the database as it is.
func (h *yearsHost) show(ctx context.Context, w *years.World, storage yearsStorage, path, subject string, forms []string, each func(string, []byte, error)) {
	var out bytes.Buffer
	env := &app.Env{LookupEnv: variables(nil), Stdout: &out, Stderr: io.Discard, Now: w.Now}
	s, err := app.NewSetup(&app.Globals{Config: path, LogLevel: "error", LogFormat: "json"}, env)
	if err != nil {
		panic(err) // the world has written the configuration itself
	}
	a := app.New(s, app.Parts{Store: storage, Source: storage, Keys: h.keys, MX: w.LookupMX, Slack: s.ConfiguredSlack})
	var summary *report.Summary
	for _, form := range forms {
		out.Reset()
		var err error
		switch form {
		case "explain":
			err = cli.ExplainCmd{Account: subject}.Run(ctx, a)
		case "evidence":
			from, to, _ := strings.Cut(subject, "..")
			err = cli.EvidenceCmd{From: from, To: to, Out: "-"}.Run(ctx, a)
		default:
			if summary == nil {
				summary, err = report.Build(ctx, app.LiveSource{Storage: storage, WorkedOn: a.WorkedOn}, subject, a.ReportOptions())
			}
			if err == nil {
				err = showReport(ctx, &out, a, storage, summary, form)
			}
		}
		if out.Len() > 0 || err != nil { // no digest is kept before a run is posted
			each(form, bytes.Clone(out.Bytes()), err)
		}
	}
}

func showReport(ctx context.Context, out io.Writer, a *app.App, storage yearsStorage, s *report.Summary, form string) error {
	if !strings.HasPrefix(form, "digest") {
		return cli.ReportCmd{Format: form}.Write(ctx, out, a, app.LiveSource{Storage: storage, WorkedOn: a.WorkedOn}, s)
	}
	if !s.Finished() {
		return nil
	}
	sealed, err := s.Sealed(ctx, storage)
	digest := sealed.Now
	if form == "digest kept" {
		digest = sealed.Kept
	}
	io.WriteString(out, digest) //nolint:errcheck // into memory
	return err
}

func (h *yearsHost) host(name string, store audit.Store, db *sql.DB, prefix string, postgres bool) years.Host {
	path := filepath.Join(h.dir, "mailaudit.yaml")
	return years.Host{
		Name: name, Store: store, Tables: years.Tables{DB: db, Prefix: prefix},
		Seal: func(id, secret string) ([]byte, error) { return h.keys.Seal(id, providers.NewSecret(secret)) },
		Open: func(id string, sealed []byte) (string, error) {
			secret, err := h.keys.Open(id, sealed)
			return secret.Reveal(), err
		},
		Configure: func(s years.Settings) {
			if err := os.WriteFile(path, []byte(s.YAML(h.database(), h.keyset)), 0o600); err != nil {
				panic(err)
			}
		},
		Show: func(ctx context.Context, w *years.World, subject string, forms []string, each func(string, []byte, error)) {
			h.show(ctx, w, yearsStorage{store, w, nil, store, postgres}, path, subject, forms, each)
		},
		Run: func(ctx context.Context, w *years.World, p *years.Process, args []string, stdout, stderr io.Writer) int {
			return cli.Run(ctx, append([]string{"--config", path, "--log-level", "error"}, args...), app.Env{
				LookupEnv: variables(nil), Stdout: stdout, Stderr: stderr, Now: w.Now,
				World: &app.World{
					Parts: func(s *app.Setup) app.Parts {
						return app.Parts{
							Store:  yearsStorage{w.Store(p), w, p, store, postgres},
							Source: w.Source(p), Keys: h.keys, Verify: w.Verify(p), MX: w.LookupMX,
							Relay: func() (app.Carrier, error) { return yearsRelay{w.Carrier(p)}, nil },
							Slack: s.ConfiguredSlack,
						}
					},
					Transport: w.Transport(p), Look: years.LookEvery,
				},
			})
		},
	}
}

// overPostgres has worlds keep their databases in a cluster.
func (h *yearsHost) overPostgres(t *testing.T) {
	h.cluster = pgtest.Own(t)
	h.cluster.Exec(t, "postgres", `CREATE DATABASE years TEMPLATE template0`)
	store, err := postgres.Open(t.Context(), h.cluster.URL("years", pgtest.Admin), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := (app.PostgresStorage{Store: store, Pooler: false}).MigrateAll(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

// own gives a world a folder of its own for its configuration, and a database where worlds share a cluster. done
// takes both away.
func (h *yearsHost) own(t *testing.T) (_ *yearsHost, done func()) {
	dir, err := os.MkdirTemp(h.dir, "world-*")
	if err != nil {
		t.Fatal(err)
	}
	world := &yearsHost{dir: dir, keyset: h.keyset, keys: h.keys}
	if h.cluster == nil {
		return world, func() { os.RemoveAll(dir) }
	}
	name := "world_" + filepath.Base(dir)[len("world-"):]
	h.cluster.Exec(t, "postgres", `CREATE DATABASE `+name+` TEMPLATE years`)
	world.url = h.cluster.URL(name, pgtest.Admin)
	return world, func() {
		os.RemoveAll(dir)
		h.cluster.Exec(t, "postgres", `DROP DATABASE `+name+` WITH (FORCE)`)
	}
}

// newYearsHost makes the keys that all worlds share.
func newYearsHost(t testing.TB) *yearsHost {
	dir := t.TempDir()
	h := &yearsHost{dir: dir, keyset: filepath.Join(dir, "keyset.json")}
	path := h.keyset
	if _, err := seal.Create(path); err != nil {
		t.Fatal(err)
	}
	keys, err := app.OpenKeys(&config.Config{Keyset: config.KeySource{Kind: "file", Value: path}}, variables(nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.keys = keys
	return h
}
