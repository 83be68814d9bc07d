package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/providers"
)

var night = time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)

// plenty is an allowance that no test uses up.
var plenty = audit.Allowance{Night: 1000, Recipient: 1000, Tenant: 1000, NightFrom: night, DayFrom: night}

// processes are stores over one database, each with connections of its own: directly and through a pooler.
func processes(t *testing.T, n int, test func(t *testing.T, stores []*postgres.Store)) {
	cluster := pgtest.Shared(t)
	for name, c := range map[string]struct {
		url  func(database, role string) string
		opts postgres.Options
	}{
		"direct": {cluster.URL, postgres.Options{}},
		"pooler": {cluster.Pool(t).URL, postgres.Options{Pooler: true}},
	} {
		t.Run(name, func(t *testing.T) {
			url := c.url(migrated.Database(t), pgtest.Admin)
			stores := make([]*postgres.Store, n)
			for i := range stores {
				stores[i] = open(t, url, c.opts)
			}
			test(t, stores)
		})
	}
}

func TestReserveAtOnce(t *testing.T) {
	processes(t, 2, func(t *testing.T, stores []*postgres.Store) {
		const day = "2026-11-23"
		limit := audit.AttemptLimit{PerSecret: 2, Secrets: 3}
		var granted sync.Map // key -> *atomic.Int64
		var group errgroup.Group
		for worker := range 8 {
			group.Go(func() error {
				for round := range 20 {
					var keys []audit.AttemptKey
					for login := range 4 {
						keys = append(keys, audit.AttemptKey{Login: fmt.Sprint((login + worker) % 4), Secret: fmt.Sprint((worker + round) % 8)})
					}
					got, err := stores[worker%2].Reserve(t.Context(), day, keys, limit)
					if err != nil {
						return err
					}
					for i, ok := range got {
						if ok {
							n, _ := granted.LoadOrStore(keys[i], new(atomic.Int64))
							n.(*atomic.Int64).Add(1)
						}
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		secrets := map[string]int{}
		granted.Range(func(key, n any) bool {
			k, n2 := key.(audit.AttemptKey), n.(*atomic.Int64).Load()
			secrets[k.Login]++
			if n2 > 2 {
				t.Errorf("%+v was granted %d times, at most 2", k, n2)
			}
			return true
		})
		for login := range 4 {
			if got := secrets[fmt.Sprint(login)]; got != 3 {
				t.Errorf("%d secrets of login %d were granted, want 3", got, login)
			}
		}
	})
}

func started(t *testing.T, s *postgres.Store, key string, at time.Time) audit.Run {
	t.Helper()
	r, _, err := s.StartRun(t.Context(), audit.Run{Key: key, StartedAt: at, Deadline: at.Add(4 * time.Hour)})
	must(t, err)
	must(t, s.Plan(t.Context(), key, "", "", nil, 0, true))
	return r
}

func result(run audit.Run, id string, v audit.Verdict) audit.Recorded {
	return audit.Recorded{Result: audit.Result{
		AccountID: id, RunKey: run.Key, TenantID: "t", Address: id + "@example.com", Provider: "google", Try: 1, At: run.StartedAt,
		Judgement: audit.Judgement{Verdict: v, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite},
	}}
}

// Whatever is recorded while a run is concluded is there when the conclusion returns, or never.
func TestNothingIsRecordedAfterTheConclusion(t *testing.T) {
	processes(t, 4, func(t *testing.T, stores []*postgres.Store) {
		for round := range 10 {
			run := started(t, stores[0], fmt.Sprint("k", round), night.AddDate(0, 0, round))
			stop := make(chan struct{})
			var group errgroup.Group
			var calls atomic.Int64 // that have returned
			const workers = 6
			for worker := range workers {
				s := stores[1+worker%3]
				group.Go(func() error {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return nil
						default:
						}
						var batch []audit.Recorded
						for i := range 20 {
							batch = append(batch, result(run, fmt.Sprintf("%d-%d-%d", worker%2, n, (i*7)%20), audit.Compliant))
						}
						if err := s.Record(t.Context(), run.Key, batch); err != nil {
							return err
						}
						calls.Add(1)
					}
				})
			}
			eventually(t, func() bool { return recorded(t, stores[0], run.Key) > 0 })
			must(t, stores[0].Conclude(t.Context(), run.Key))
			before, returned := recorded(t, stores[0], run.Key), calls.Load()
			eventually(t, func() bool { return calls.Load() > returned+workers }) // at least one began after the conclusion
			close(stop)
			must(t, group.Wait())
			if after := recorded(t, stores[0], run.Key); after != before {
				t.Fatalf("%d results when the conclusion returned, %d later", before, after)
			}
		}
	})
}

func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for range 6000 {
		if so() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it has not come about")
}

func recorded(t *testing.T, s *postgres.Store, key string) (n int) {
	t.Helper()
	must(t, s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM mailaudit.account_states WHERE run_key = $1`, key).Scan(&n))
	return n
}

// Several processes do each step at once; it is done by one.
func TestOneOfManyTakesEachStep(t *testing.T) {
	processes(t, 4, func(t *testing.T, stores []*postgres.Store) {
		at := night.Add(time.Hour)
		var run audit.Run
		var created atomic.Int64
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			r, isNew, err := s.StartRun(ctx, audit.Run{Key: "k", StartedAt: night, Deadline: night.Add(4 * time.Hour)})
			if isNew {
				created.Add(1)
			}
			if err == nil && r.Seq != 1 {
				err = fmt.Errorf("seq %d", r.Seq)
			}
			return err
		})
		once(t, "start", created.Load())

		var planned atomic.Int64
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			return counted(&planned, s.Plan(ctx, "k", "", "b", []audit.Batch{{Provider: "google", Try: 1, IDs: []string{"a", "b"}}}, 2, true))
		})
		once(t, "plan", planned.Load())

		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			return s.CloseBatch(ctx, "k", 1, &audit.Batch{Provider: "google", Try: 2, IDs: []string{"b"}})
		})
		batches, err := stores[0].OpenBatches(t.Context(), "k")
		must(t, err)
		if len(batches) != 1 || batches[0].N != 2 {
			t.Errorf("open batches: %v", batches)
		}

		run, err = stores[0].LoadRun(t.Context(), "k")
		must(t, err)
		must(t, stores[0].Record(t.Context(), "k", []audit.Recorded{result(run, "a", audit.Revoked), result(run, "b", audit.Revoked)}))
		must(t, stores[0].Conclude(t.Context(), "k"))
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			page, err := s.Unsettled(ctx, run, "", 10)
			if err != nil {
				return err
			}
			var settlements []audit.Settlement
			var drafts []audit.Draft
			states, err := s.LoadStates(ctx, page)
			if err != nil {
				return err
			}
			for _, id := range page {
				settlements = append(settlements, decide.Settle(run, states[id]))
				drafts = append(drafts, audit.Draft{Kind: audit.KindFinding, TenantID: "t", ContactEmail: "c@example.com", Provider: "google",
					Item: audit.NoticeItem{AccountID: id, Verdict: audit.Revoked, Since: night, Step: 1}})
			}
			return s.Settle(ctx, run, settlements, drafts)
		})
		forming, err := stores[0].Forming(t.Context(), "k")
		must(t, err)
		if len(forming) != 1 || len(forming[0].Items) != 2 {
			t.Fatalf("notices: %v", forming)
		}
		forming[0].State = audit.NoticeQueued
		each(t, stores, func(ctx context.Context, s *postgres.Store) error { return s.Release(ctx, forming) })

		var claimed atomic.Int64
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			claim, err := s.Claim(ctx, forming[0].ID, at, plenty)
			if claim != audit.NoClaim {
				claimed.Add(1)
			}
			return err
		})
		once(t, "claim", claimed.Load())

		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			return s.Finish(ctx, "k", audit.Numbers{Accounts: 2}, at)
		})
		var posting atomic.Int64
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			return counted(&posting, s.Posting(ctx, "k", time.Time{}, at))
		})
		once(t, "post", posting.Load())
	})
}

func TestRunsAreNumberedOneByOne(t *testing.T) {
	processes(t, 4, func(t *testing.T, stores []*postgres.Store) {
		var n atomic.Int64
		each(t, stores, func(ctx context.Context, s *postgres.Store) error {
			_, isNew, err := s.StartRun(ctx, audit.Run{Key: fmt.Sprint("k", n.Add(1)), StartedAt: night, Deadline: night})
			if err == nil && !isNew {
				err = errors.New("it was there")
			}
			return err
		})
		runs, err := stores[0].ListRuns(t.Context(), 100, false)
		must(t, err)
		for i, r := range runs {
			if want := int64(len(runs) - i); r.Seq != want {
				t.Errorf("run %s has number %d, want %d", r.Key, r.Seq, want)
			}
		}
	})
}

func each(t *testing.T, stores []*postgres.Store, f func(context.Context, *postgres.Store) error) {
	t.Helper()
	var group errgroup.Group
	begin := make(chan struct{})
	for range 2 {
		for _, s := range stores {
			group.Go(func() error {
				<-begin
				return f(t.Context(), s)
			})
		}
	}
	close(begin)
	must(t, group.Wait())
}

func once(t *testing.T, step string, n int64) {
	t.Helper()
	if n != 1 {
		t.Errorf("%s: taken by %d processes, want 1", step, n)
	}
}

// counted counts who took a step; who came too late is no error.
func counted(n *atomic.Int64, err error) error {
	if err == nil {
		n.Add(1)
	}
	if errors.Is(err, audit.ErrMoved) {
		return nil
	}
	return err
}

// A process that is stopped in the middle of a transaction holds its locks no longer than the transaction may
// be idle.
func TestStoppedProcessHoldsNoLocks(t *testing.T) {
	s := fresh(t)
	started(t, s, "k", night)
	asleep := make(chan error)
	go func() {
		asleep <- s.InTx(t.Context(), func(lock func(sql string) error) error {
			if err := lock(`SELECT FROM mailaudit.runs FOR UPDATE`); err != nil {
				return err
			}
			asleep <- nil
			time.Sleep(7 * time.Second)
			return lock(`UPDATE mailaudit.runs SET phase = 'done'`)
		})
	}()
	must(t, <-asleep)
	for {
		if err := s.Conclude(t.Context(), "k"); err == nil {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("the run stays locked")
		}
	}
	if err := <-asleep; err == nil {
		t.Error("the process went on after its sleep")
	}
	r, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	if diff := cmp.Diff(audit.PhaseConcluding, r.Phase); diff != "" {
		t.Error(diff)
	}
}
