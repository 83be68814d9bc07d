package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

var (
	customers = flag.Int("customers", 4000, "how many accounts TestQuietNights has")
	nights    = flag.Int("nights", 4, "how many nights it lasts, the first of which is the accounts' first")
)

// Nights in which nothing changes, without the wire: planning, judging, writing and concluding on PostgreSQL, with a
// stand-in that accepts every credential at once. From the second night on no history is written, and the tables
// and their indexes stay as large as the first quiet night left them.
func TestQuietNights(t *testing.T) {
	c := newCustomers(t)
	var all []quiet
	for n := range *nights {
		q := c.night(t, n)
		t.Logf("night %d: %s", n+1, q)
		all = append(all, q)
	}
	fmt.Print(growth(all))
	first, second, last := all[0], all[1], all[len(all)-1]
	if first.changes != *customers {
		t.Errorf("the first night wrote %d changes for %d accounts", first.changes, *customers)
	}
	if last.changes != first.changes || last.notes != first.notes {
		t.Errorf("quiet nights wrote history: %d changes and %d notes, after the first night %d and %d", last.changes, last.notes, first.changes, first.notes)
	}
	if last.states > second.states*21/20 {
		t.Errorf("account_states grew from %d to %d KiB", second.states>>10, last.states>>10)
	}
	if len(all) >= settledNight {
		before := all[len(all)-2]
		if updates := last.updates - before.updates; last.hot-before.hot < updates*9/10 {
			t.Errorf("only %d of the last night's %d updates stayed on their page", last.hot-before.hot, updates)
		}
	}
	t.Log(query[string](t, c.url, `SELECT string_agg(relname || ' ' || pg_total_relation_size(c.oid) / 1024 || ' KiB', ', ' ORDER BY pg_total_relation_size(c.oid) DESC)
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'mailaudit' AND relkind = 'r'`))
}

// settledNight is the first by which the rows of the first night, which filled their pages, have made room.
const settledNight = 4

// customersOf is an installation on PostgreSQL whose provider is a function.
type customersOf struct {
	store      *postgres.Store
	auditor    *app.Audit
	now        time.Time
	url        string
	postmaster int
}

func newCustomers(t *testing.T) *customersOf {
	t.Helper()
	cluster := pgtest.Own(t)
	cluster.Exec(t, "postgres", "CREATE DATABASE growth")
	c := &customersOf{url: cluster.URL("growth", pgtest.Admin), postmaster: postmasterOf(t, cluster), now: time.Now().UTC().AddDate(0, 0, -*nights)}
	store, err := postgres.Open(t.Context(), c.url, postgres.Options{})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	must(t, store.Migrate(t.Context()))
	_, err = store.Pool().Exec(t.Context(), `INSERT INTO mailaudit.mail_accounts (account_id, tenant_id, tenant_name, address, host, secret, contact_email)
		SELECT 'acc-' || lpad(n::text, 7, '0'), 't-' || n / 7, 'Clinic ' || n / 7, 'front' || n || '@clinic' || n / 7 || '.example', $1, $2, 'office@clinic' || n / 7 || '.example'
		FROM generate_series(1, $3) n`, googleHost, []byte(appPassword), *customers)
	must(t, err)
	c.store = store
	google, _ := catalog.ByName("google")
	reply := providers.ParseReply(providers.StageAuth, "235 2.7.0 Accepted")
	policy := audit.Policy{
		Window: 12 * time.Hour, Attempts: audit.AttemptLimit{PerSecret: 2, Secrets: 3}, AttemptZone: time.UTC, Zone: time.UTC,
		MaxConcurrency: map[string]int{"google": 32}, Guard: audit.GuardLimits{MaxNewFailures: 0.01, MinNewFailures: 10, MaxUnreachable: 0.2, MaxSourceLoss: 0.05},
		Mode: audit.ModeShadow,
	}
	c.auditor = app.NewAudit(store, store, policy, func() time.Time { return c.now }, slog.New(slog.DiscardHandler))
	c.auditor.Ask.Fingerprints = plainPrints{}
	c.auditor.Ask.Resolve = func(context.Context, audit.Account) (ask.Target, error) {
		return ask.Target{Provider: google, Brand: &google.Brands[0], Endpoint: google.Brands[0].Endpoint}, nil
	}
	c.auditor.Ask.Open = func(_ string, sealed []byte) (providers.Secret, error) {
		return providers.NewSecret(string(sealed)), nil
	}
	c.auditor.Ask.Converse = func(_ context.Context, _ string, a providers.Attempt) providers.Conversation {
		return providers.Conversation{Endpoint: a.Endpoint, Reply: reply, Stage: providers.StageAuth, CredentialSent: true, Mechanism: "PLAIN"}
	}
	return c
}

// plainPrints are no secrets here.
type plainPrints struct{}

func (plainPrints) Secret(_ string, s providers.Secret) string { return "print of " + s.Reveal() }
func (plainPrints) Released(s providers.Secret) string         { return "print of " + s.Reveal() }
func (plainPrints) Own(_, stored string) string                { return stored }
func (plainPrints) Name(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + name))
	return hex.EncodeToString(sum[:16])
}

// quiet is what one night took and left.
type quiet struct {
	plan, verify, conclude, database time.Duration
	heap                             uint64 // in use after a collection at the night's busiest end
	peak                             int    // KiB resident, so far
	changes, notes                   int
	states, indexes, all             int // bytes
	hot, updates                     int // of account_states, so far
}

func (q quiet) cpu() time.Duration { return q.plan + q.verify + q.conclude }

func (q quiet) String() string {
	return fmt.Sprintf("CPU %.2f s (planning %.2f, concluding %.2f), database %.2f s, %d MiB at most, states %d KiB and %d KiB of indexes, all tables %d KiB, %d changes",
		q.cpu().Seconds(), q.plan.Seconds(), q.conclude.Seconds(), q.database.Seconds(), q.peak>>10, q.states>>10, q.indexes>>10, q.all>>10, q.changes)
}

func (c *customersOf) night(t *testing.T, n int) (q quiet) {
	t.Helper()
	c.now = c.now.AddDate(0, 0, 1)
	key := c.now.Format(time.DateOnly)
	database := familyCPU(t, c.postmaster)
	_, _, err := c.auditor.Night.Begin(t.Context(), key, audit.Scope{})
	must(t, err)
	for {
		run, err := c.store.LoadRun(t.Context(), key)
		must(t, err)
		if !run.Open() {
			break
		}
		tasks, err := c.auditor.Night.RunTasks(t.Context(), run)
		must(t, err)
		if len(tasks) == 0 {
			t.Fatalf("nothing is to be done in phase %s", run.Phase)
		}
		for _, task := range tasks {
			began := ownCPU(t)
			switch task.Kind {
			case audit.TaskPlan:
				_, err = c.auditor.Night.Plan(t.Context(), key)
				q.plan += ownCPU(t) - began
			case audit.TaskVerify:
				_, err = c.auditor.Night.Verify(t.Context(), key, task.Batch)
				q.verify += ownCPU(t) - began
			case audit.TaskConclude:
				_, err = c.auditor.Night.Conclude(t.Context(), key)
				q.conclude += ownCPU(t) - began
			}
			must(t, err)
		}
	}
	run, err := c.store.LoadRun(t.Context(), key)
	must(t, err)
	must(t, c.store.Posting(t.Context(), key, time.Time{}, c.now))
	must(t, c.store.Posted(t.Context(), key, "", c.now))
	if run.Numbers == nil || run.Numbers.Verified != *customers {
		t.Fatalf("night %d: %+v", n+1, run.Numbers)
	}
	q.database = familyCPU(t, c.postmaster) - database
	q.peak = highWater(os.Getpid())
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	q.heap = m.HeapInuse
	// As autovacuum does between the nights.
	_, err = c.store.Pool().Exec(t.Context(), `VACUUM ANALYZE`)
	must(t, err)
	q.changes = query[int](t, c.url, `SELECT count(*) FROM mailaudit.verdict_changes`)
	q.notes = query[int](t, c.url, `SELECT count(*) FROM mailaudit.run_notes`)
	q.states = query[int](t, c.url, `SELECT pg_table_size('mailaudit.account_states')`)
	q.indexes = query[int](t, c.url, `SELECT pg_indexes_size('mailaudit.account_states')`)
	q.all = query[int](t, c.url, `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname = 'mailaudit' AND relkind = 'r' AND relname <> 'mail_accounts'`)
	c.flushStatistics(t)
	q.hot = query[int](t, c.url, `SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'account_states'`)
	q.updates = query[int](t, c.url, `SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'account_states'`)
	return q
}

// flushStatistics has each of the store's connections report what it did: by itself PostgreSQL's servers do so once a
// second at most, and a night here takes less.
func (c *customersOf) flushStatistics(t *testing.T) {
	t.Helper()
	for _, conn := range c.store.Pool().AcquireAllIdle(t.Context()) {
		_, err := conn.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`)
		conn.Release()
		must(t, err)
	}
}

func growth(all []quiet) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d accounts, night\tµs an account\tplanning\tconcluding\tdatabase µs\tpeak MiB\thistory rows\tstates MiB\tits indexes MiB\tall tables MiB\tHOT\t\n", *customers)
	for i, q := range all {
		hot := 0.0
		if i > 0 && q.updates > all[i-1].updates {
			hot = float64(q.hot-all[i-1].hot) / float64(q.updates-all[i-1].updates)
		}
		each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(*customers) }
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.0f%%\t\n", i+1, each(q.cpu()), each(q.plan), each(q.conclude), each(q.database),
			q.peak>>10, q.changes, mib(q.states), mib(q.indexes), mib(q.all), 100*hot)
	}
	w.Flush()
	return b.String()
}

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }

func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
