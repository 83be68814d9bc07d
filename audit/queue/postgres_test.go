package queue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/queue"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("QUEUE_TEST_WORK"); url != "" {
		workUntilKilled(url)
	}
	pgtest.Main(m)
}

var migrated = pgtest.Template{Name: "queue", Prepare: func(ctx context.Context, url string) error {
	s, err := postgres.Open(ctx, url, postgres.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.MigrateWith(ctx, func(ctx context.Context, pool *pgxpool.Pool) error {
		return queue.Migrate(ctx, riverpgxv5.New(pool), postgres.Schema, slog.New(slog.DiscardHandler))
	})
}}

const (
	key     = "2026-11-23"
	batches = 40
)

// night is the work of one process: what it does to the run is real, asking the providers is not.
type night struct {
	store  *postgres.Store
	verify func(n int) // stands for asking a batch's accounts
	post   func()
}

func (n *night) Plan(ctx context.Context, key string) (bool, error) {
	var all []audit.Batch
	for i := range batches {
		all = append(all, audit.Batch{Provider: []string{"google", "yahoo"}[i%2], Try: 1, IDs: []string{strconv.Itoa(i)}})
	}
	err := n.store.Plan(ctx, key, "", "z", all, batches, true)
	if errors.Is(err, audit.ErrMoved) {
		err = nil
	}
	return false, err
}

func (n *night) Verify(ctx context.Context, key string, batch int) (bool, error) {
	_, done, err := n.store.LoadBatch(ctx, key, batch)
	if err != nil || done {
		return false, err
	}
	n.verify(batch)
	return false, n.store.CloseBatch(ctx, key, batch, nil)
}

func (n *night) Conclude(ctx context.Context, key string) (bool, error) {
	if err := n.store.Conclude(ctx, key); err != nil {
		return false, err
	}
	return false, n.store.Finish(ctx, key, audit.Numbers{Accounts: batches}, time.Now())
}

func (n *night) Recheck(context.Context, int64) error { return nil }
func (n *night) Notify(context.Context, int64) error  { return nil }

func (n *night) Post(ctx context.Context, key string) error {
	run, err := n.store.LoadRun(ctx, key)
	if err != nil || !run.PostedAt.IsZero() {
		return err
	}
	if err := n.store.Posting(ctx, key, run.PostingAt, time.Now()); err != nil {
		return err
	}
	n.post()
	return n.store.Posted(ctx, key, "", time.Now())
}

func (n *night) agenda(ctx context.Context) ([]audit.Task, error) {
	run, err := n.store.LoadRun(ctx, key)
	if err != nil {
		return nil, err
	}
	switch {
	case run.Phase == audit.PhasePlanning:
		return []audit.Task{{Kind: audit.TaskPlan, RunKey: key}}, nil
	case run.Phase == audit.PhaseDone && run.PostedAt.IsZero():
		return []audit.Task{{Kind: audit.TaskPost, RunKey: key}}, nil
	case run.Phase == audit.PhaseDone:
		return nil, nil
	}
	open, err := n.store.OpenBatches(ctx, key)
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return []audit.Task{{Kind: audit.TaskConclude, RunKey: key}}, nil
	}
	var tasks []audit.Task
	for _, b := range open {
		tasks = append(tasks, audit.Task{Kind: audit.TaskVerify, RunKey: key, Batch: b.N, Provider: b.Provider})
	}
	return tasks, nil
}

// engine is one process's engine over connections of its own.
func engine(ctx context.Context, url string, pooler bool, n *night) (*queue.Engine[pgx.Tx], func() error, error) {
	s, err := postgres.Open(ctx, url, postgres.Options{Pooler: pooler})
	if err != nil {
		return nil, nil, err
	}
	n.store = s
	e, err := queue.New(riverpgxv5.New(s.Pool()), queue.Options{
		Steps: n, Agenda: n.agenda, Providers: []string{"google", "yahoo"}, Every: 50 * time.Millisecond,
		Schema: postgres.Schema, PollOnly: pooler, Log: slog.New(slog.DiscardHandler),
	})
	return e, s.Close, err
}

// tally counts what all processes of a test did.
type tally struct {
	sync.Mutex
	verified map[int]int
	posted   int
}

func (c *tally) work() *night {
	return &night{
		verify: func(n int) {
			time.Sleep(20 * time.Millisecond)
			c.Lock()
			defer c.Unlock()
			c.verified[n]++
		},
		post: func() { c.Lock(); defer c.Unlock(); c.posted++ },
	}
}

func begin(t *testing.T, url string, pooler bool) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{Pooler: pooler})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := queue.CheckTables(t.Context(), riverpgxv5.New(s.Pool()), postgres.Schema, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.StartRun(t.Context(), audit.Run{Key: key, StartedAt: time.Now(), Deadline: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t *testing.T, url string, pooler bool, n *night) {
	t.Helper()
	e, done, err := engine(t.Context(), url, pooler, n)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Stop(context.Background()), done()); err != nil {
			t.Error(err)
		}
	})
}

// finished waits until the run is concluded and its summary posted.
func finished(t *testing.T, s *postgres.Store, within time.Duration) {
	t.Helper()
	for give := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		run, err := s.LoadRun(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if !run.PostedAt.IsZero() {
			return
		}
		if time.Now().After(give) {
			open, _ := s.OpenBatches(t.Context(), key)
			t.Fatalf("the run is %s, %s, with %d open batches", run.Status, run.Phase, len(open))
		}
	}
}

func (c *tally) check(t *testing.T) {
	t.Helper()
	c.Lock()
	defer c.Unlock()
	for n := 1; n <= batches; n++ {
		if c.verified[n] != 1 {
			t.Errorf("batch %d was verified %d times, want once", n, c.verified[n])
		}
	}
	if c.posted != 1 {
		t.Errorf("%d summaries, want 1", c.posted)
	}
}

func TestThreeProcessesMakeOneNight(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, pooler := range map[string]bool{"direct": false, "pooler": true} {
		t.Run(name, func(t *testing.T) {
			at := cluster.URL
			if pooler {
				at = cluster.Pool(t).URL
			}
			url := at(migrated.Database(t), pgtest.Admin)
			s := begin(t, url, pooler)
			c := &tally{verified: map[int]int{}}
			for range 3 {
				start(t, url, pooler, c.work())
			}
			finished(t, s, time.Minute)
			c.check(t)
		})
	}
}

// One of three processes is killed while it works on a batch. The others take it over when its time is up;
// the test turns the clock of that one job.
func TestKilledProcessIsTakenOver(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the queue's housekeeping")
	}
	url := pgtest.Shared(t).URL(migrated.Database(t), pgtest.Admin)
	s := begin(t, url, false)
	doomed := exec.CommandContext(t.Context(), os.Args[0])
	doomed.Env = append(os.Environ(), "QUEUE_TEST_WORK="+url)
	out, err := doomed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	life, err := doomed.StdinPipe() // it ends with us
	if err != nil {
		t.Fatal(err)
	}
	defer life.Close()
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "verifying ") {
	}
	batch, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "verifying "))
	if err != nil {
		t.Fatalf("the process says %q: %v", lines.Text(), err)
	}
	if err := doomed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	doomed.Wait()
	c := &tally{verified: map[int]int{}}
	start(t, url, false, c.work())
	start(t, url, false, c.work())
	for give := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if open, err := s.OpenBatches(t.Context(), key); err != nil {
			t.Fatal(err)
		} else if len(open) <= 4 { // the doomed process may have fetched one more for each worker
			break
		}
		if time.Now().After(give) {
			t.Fatal("the others do not go on with the rest")
		}
	}
	c.Lock()
	if c.verified[batch] != 0 {
		t.Error("a batch that another process works on was verified")
	}
	c.Unlock()
	if _, err := s.Pool().Exec(t.Context(), `UPDATE mailaudit.river_job SET attempted_at = attempted_at - interval '10 minutes'
		WHERE state = 'running'`); err != nil {
		t.Fatal(err)
	}
	finished(t, s, 2*time.Minute)
	c.check(t)
}

// workUntilKilled is the doomed process.
func workUntilKilled(url string) {
	n := &night{post: func() {}, verify: func(batch int) {
		fmt.Println("verifying", batch)
		select {}
	}}
	e, _, err := engine(context.Background(), url, false, n)
	if err == nil {
		err = e.Start(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}
