package storetest

import (
	"errors"
	"testing"
	"time"

	"mailaudit/audit"
)

func testStartRun(t *testing.T, s audit.Store) {
	scope := audit.Scope{Provider: "google", Limit: 3}
	first, created, err := s.StartRun(t.Context(), audit.Run{Key: "k", Scope: scope, StartedAt: night, Deadline: night.Add(time.Hour)})
	must(t, err)
	second, again, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night.Add(time.Minute), Deadline: night})
	must(t, err)
	same(t, "new", []bool{created, again}, []bool{true, false})
	same(t, "second start", second, first)
	same(t, "run", first, audit.Run{
		Key: "k", Seq: 1, Status: audit.RunRunning, Phase: audit.PhasePlanning, Scope: scope, StartedAt: night,
		Deadline: night.Add(time.Hour), HeartbeatAt: night,
	})
	if _, err := s.LoadRun(t.Context(), "other"); !errors.Is(err, audit.ErrNoRun) {
		t.Errorf("unknown key: %v, want ErrNoRun", err)
	}
	must(t, s.Interrupt(t.Context(), "k"))
	r, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "status after interruption", r.Status, audit.RunIncomplete)
	must(t, s.Beat(t.Context(), "k", night.Add(time.Minute)))
	r, err = s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "status while worked on", r.Status, audit.RunRunning)
	must(t, s.Expire(t.Context(), "k", night.Add(2*time.Hour)))
	must(t, s.Expire(t.Context(), "k", night.Add(time.Minute)))
	r, err = s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "deadline moves forward alone", r.Deadline, night.Add(time.Minute))
	must(t, s.Conclude(t.Context(), "k"))
	finish(t, s, r)
	must(t, s.Interrupt(t.Context(), "k"))
	r, err = s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "a concluded run stays so", []any{r.Status, r.Phase, r.Open()}, []any{audit.RunConcluded, audit.PhaseDone, false})
	if _, err := s.ConcludedBefore(t.Context(), 99); !errors.Is(err, audit.ErrNoRun) {
		t.Errorf("a narrowed run counts as the night before: %v", err)
	}
}

func testPosting(t *testing.T, s audit.Store) {
	run := startRun(t, s, "k", night)
	must(t, s.Conclude(t.Context(), "k"))
	finish(t, s, run)
	never, first, second := time.Time{}, night.Add(time.Hour), night.Add(2*time.Hour)
	must(t, s.Posting(t.Context(), "k", never, first))
	moved(t, "a second process that saw no mark", s.Posting(t.Context(), "k", never, second))
	must(t, s.Posting(t.Context(), "k", first, never))
	must(t, s.Posting(t.Context(), "k", never, second))
	must(t, s.Posted(t.Context(), "k", "C1/1.2", second))
	moved(t, "marking what is posted", s.Posting(t.Context(), "k", second, second.Add(time.Hour)))
	r, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "run", []any{r.PostingAt, r.PostedAt, r.PostedRef}, []any{second, second, "C1/1.2"})
}

func testUndone(t *testing.T, s audit.Store) {
	undone := func(limit int) (keys []string) {
		runs, err := s.UndoneRuns(t.Context(), limit)
		must(t, err)
		for _, r := range runs {
			keys = append(keys, r.Key)
		}
		return keys
	}
	for _, key := range []string{"long ago", "posted", "owed", "stopped", "stopped and posted", "open"} {
		run := startRun(t, s, key, night)
		switch key {
		case "long ago", "posted", "owed":
			must(t, s.Conclude(t.Context(), key))
			finish(t, s, run)
		case "stopped", "stopped and posted":
			must(t, s.Stop(t.Context(), key, "the source is empty", night))
		}
	}
	must(t, s.Posted(t.Context(), "posted", "", night))
	must(t, s.Posted(t.Context(), "stopped and posted", "", night))
	same(t, "of the latest five", undone(5), []string{"open", "stopped", "owed"})
	same(t, "of all", undone(10), []string{"open", "stopped", "owed", "long ago"})
}

// A process that slept through the conclusion neither closes a batch nor opens another.
func testCloseLate(t *testing.T, s audit.Store) {
	_, _, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night, Deadline: night})
	must(t, err)
	must(t, s.Plan(t.Context(), "k", "", "b", []audit.Batch{{Provider: "google", Try: 1, IDs: []string{"a"}}}, 1, true))
	must(t, s.Conclude(t.Context(), "k"))
	must(t, s.CloseBatch(t.Context(), "k", 1, &audit.Batch{Provider: "google", Try: 2, IDs: []string{"a"}}))
	open, err := s.OpenBatches(t.Context(), "k")
	must(t, err)
	same(t, "open batches", open, []audit.Batch{{RunKey: "k", N: 1, Provider: "google", Try: 1}})
	moved(t, "planning after the conclusion", s.Plan(t.Context(), "k", "b", "c", nil, 0, true))
}

func testPlan(t *testing.T, s audit.Store) {
	_, _, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night, Deadline: night})
	must(t, err)
	batch := []audit.Batch{{Provider: "google", Try: 1, IDs: []string{"a", "b"}}}
	must(t, s.Plan(t.Context(), "k", "", "b", batch, 2, false))
	if err := s.Plan(t.Context(), "k", "", "b", batch, 2, false); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("planning the same page again: %v, want ErrMoved", err)
	}
	must(t, s.Plan(t.Context(), "k", "b", "c", []audit.Batch{{Provider: "yahoo", Try: 1, Doubtful: true, IDs: []string{"c"}}}, 1, true))
	if err := s.Plan(t.Context(), "k", "c", "d", nil, 0, true); !errors.Is(err, audit.ErrMoved) {
		t.Errorf("planning after the end: %v, want ErrMoved", err)
	}
	r, err := s.LoadRun(t.Context(), "k")
	must(t, err)
	same(t, "run", []any{r.Phase, r.Accounts, r.PlannedTo}, []any{audit.PhaseVerifying, 3, "c"})
	open, err := s.OpenBatches(t.Context(), "k")
	must(t, err)
	same(t, "batches", open, []audit.Batch{
		{RunKey: "k", N: 1, Provider: "google", Try: 1}, {RunKey: "k", N: 2, Provider: "yahoo", Try: 1, Doubtful: true},
	})
}

func testBatches(t *testing.T, s audit.Store) {
	_, _, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night, Deadline: night})
	must(t, err)
	must(t, s.Plan(t.Context(), "k", "", "b", []audit.Batch{{Provider: "google", Try: 1, IDs: []string{"a", "b"}}}, 2, true))
	retry := audit.Batch{Provider: "google", Try: 2, Doubtful: true, DueAt: night.Add(time.Hour), IDs: []string{"b"}}
	must(t, s.CloseBatch(t.Context(), "k", 1, &retry))
	must(t, s.CloseBatch(t.Context(), "k", 1, &retry))
	open, err := s.OpenBatches(t.Context(), "k")
	must(t, err)
	same(t, "open batches", open, []audit.Batch{{RunKey: "k", N: 2, Provider: "google", Try: 2, Doubtful: true, DueAt: night.Add(time.Hour)}})
	got, done, err := s.LoadBatch(t.Context(), "k", 2)
	must(t, err)
	same(t, "retry", []any{got.IDs, done}, []any{[]string{"b"}, false})
	_, done, err = s.LoadBatch(t.Context(), "k", 1)
	must(t, err)
	same(t, "done", done, true)
}

// What is next is the doubtful first, then by number, so many of each provider; what is not due yet is open.
func testNextBatches(t *testing.T, s audit.Store) {
	_, _, err := s.StartRun(t.Context(), audit.Run{Key: "k", StartedAt: night, Deadline: night})
	must(t, err)
	next := func(at time.Time) (numbers []int, open bool) {
		t.Helper()
		due, open, err := s.NextBatches(t.Context(), "k", at, 2)
		must(t, err)
		for _, b := range due {
			numbers = append(numbers, b.N)
		}
		return numbers, open
	}
	none, open := next(night)
	same(t, "before there is any", []any{none, open}, []any{[]int(nil), false})
	later := night.Add(time.Hour)
	must(t, s.Plan(t.Context(), "k", "", "b", []audit.Batch{
		{Provider: "google", Try: 1}, {Provider: "google", Try: 1}, {Provider: "google", Try: 1}, {Provider: "yahoo", Try: 1},
		{Provider: "google", Try: 1, Doubtful: true}, {Provider: "zoho", Try: 2, DueAt: later},
	}, 6, true))
	first, open := next(night)
	same(t, "first", []any{first, open}, []any{[]int{5, 1, 4}, true})
	due, _, err := s.NextBatches(t.Context(), "k", later, 1)
	must(t, err)
	same(t, "all providers", due, []audit.Batch{
		{RunKey: "k", N: 5, Provider: "google", Try: 1, Doubtful: true}, {RunKey: "k", N: 4, Provider: "yahoo", Try: 1},
		{RunKey: "k", N: 6, Provider: "zoho", Try: 2, DueAt: later},
	})
	for n := 1; n <= 5; n++ {
		must(t, s.CloseBatch(t.Context(), "k", n, nil))
	}
	waiting, open := next(night)
	same(t, "only what is not due", []any{waiting, open}, []any{[]int(nil), true})
	must(t, s.CloseBatch(t.Context(), "k", 6, nil))
	last, open := next(later)
	same(t, "after the last", []any{last, open}, []any{[]int(nil), false})
}

func testAttempts(t *testing.T, s audit.Store) {
	limit := audit.AttemptLimit{PerSecret: 2, Secrets: 3}
	reserve := func(day string, keys ...audit.AttemptKey) []bool {
		t.Helper()
		got, err := s.Reserve(t.Context(), day, keys, limit)
		must(t, err)
		return got
	}
	a := audit.AttemptKey{Login: "l", Secret: "1"}
	b, c, d := a, a, a
	b.Secret, c.Secret, d.Secret = "2", "3", "4"
	same(t, "two for one secret", reserve("2026-11-23", a, a, a), []bool{true, true, false})
	same(t, "three secrets", reserve("2026-11-23", b, c, d), []bool{true, true, false})
	same(t, "another login", reserve("2026-11-23", audit.AttemptKey{Login: "m", Secret: "4"}), []bool{true})
	must(t, s.GiveBack(t.Context(), "2026-11-23", "1", []audit.AttemptKey{a}))
	same(t, "one given back", reserve("2026-11-23", a, a), []bool{true, false})
	must(t, s.GiveBack(t.Context(), "2026-11-23", "2", []audit.AttemptKey{d}))
	same(t, "none was taken", reserve("2026-11-23", d), []bool{false})
	must(t, s.GiveBack(t.Context(), "2026-11-23", "3", []audit.AttemptKey{c}))
	same(t, "a fourth in the place of one given back", reserve("2026-11-23", d, c), []bool{true, false})
	for range 2 {
		must(t, s.GiveBack(t.Context(), "2026-11-23", "4", []audit.AttemptKey{a}))
	}
	same(t, "one given back twice", reserve("2026-11-23", a, a), []bool{true, false})
	same(t, "the next day", reserve("2026-11-24", a, d), []bool{true, true})
}

func testMigrate(t *testing.T, s audit.Store) {
	put(t, s, account("a-1"))
	must(t, s.Migrate(t.Context()))
	page, err := s.AccountsAfter(t.Context(), "", 10, "")
	must(t, err)
	same(t, "accounts", len(page), 1)
}
