package evidence_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/history"
	"mailaudit/audit/seal"
	"mailaudit/audit/sqlite"
	"mailaudit/providers"
	"mailaudit/report"
	"mailaudit/report/evidence"
)

// world is an installation whose nights are made by hand, sealed by its own key.
type world struct {
	t      *testing.T
	store  *sqlite.Store
	signer *seal.Signer
	now    time.Time
	nights int
	rand   *rand.Rand
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	store, err := sqlite.InMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, store: store, signer: newSigner(t), now: time.Date(2026, 1, 5, 2, 15, 0, 0, time.UTC), rand: rand.New(rand.NewPCG(seed, 1))}
}

func newSigner(t *testing.T) *seal.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signing.json")
	if _, err := seal.CreateSigning(path); err != nil {
		t.Fatal(err)
	}
	signer, _, err := seal.LoadSigner("file:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() report.Options {
	return report.Options{Now: func() time.Time { return w.now }, Zone: time.UTC}
}

func (w *world) notary() evidence.Notary {
	return evidence.Notary{Store: w.store, Sign: w.signer.Sign, Config: "c0ffee", Now: func() time.Time { return w.now }, Options: w.options()}
}

var verdicts = []audit.Verdict{audit.Compliant, audit.Compliant, audit.Revoked, audit.Unverified, audit.SingleFactor}

// night has accounts accepted, refused, silent or gone at random, an operator act, and the run sealed.
func (w *world) night(accounts int) audit.Run {
	w.t.Helper()
	ctx := w.t.Context()
	w.nights++
	w.now = w.now.AddDate(0, 0, 1)
	key := w.now.Format(time.DateOnly)
	run, _, err := w.store.StartRun(ctx, audit.Run{Key: key, StartedAt: w.now, Deadline: w.now.Add(4 * time.Hour)})
	w.must(err)
	w.must(w.store.Plan(ctx, key, "", "", nil, 0, true))
	var results []audit.Recorded
	for i := range accounts {
		id := fmt.Sprintf("a%d", i)
		if w.rand.IntN(12) == 0 {
			continue
		}
		results = append(results, audit.Recorded{Result: audit.Result{
			AccountID: id, RunKey: key, TenantID: fmt.Sprintf("t%d", i/2), TenantName: "Clinic", Address: id + "@example.com",
			Provider: "google", Brand: "gmail", Try: 1, At: w.now, Rule: "google/some-rule",
			Judgement: audit.Judgement{Verdict: verdicts[w.rand.IntN(len(verdicts))], TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer},
		}})
	}
	w.must(w.store.Record(ctx, key, results))
	w.must(w.store.Conclude(ctx, key))
	_, err = w.store.KeepFact(ctx, key, decide.RulingsFact, `{"providers":{"google":{"held":true,"held_why":"too many","new_limit":1}}}`)
	w.must(err)
	var all []audit.Settlement
	for _, part := range []struct {
		ids    func() ([]string, error)
		settle func(audit.Run, audit.State) audit.Settlement
	}{
		{func() ([]string, error) { return w.store.Unsettled(ctx, run, "", 1000) }, decide.Settle},
		{func() ([]string, error) { return w.store.Departed(ctx, run, "", 1000) }, decide.Left},
	} {
		ids, err := part.ids()
		w.must(err)
		states, err := w.store.LoadStates(ctx, ids)
		w.must(err)
		for _, id := range ids {
			all = append(all, part.settle(run, states[id]))
		}
	}
	w.must(w.store.Settle(ctx, run, all, nil))
	run.Phase = audit.PhaseConcluding
	var n audit.Numbers
	w.must(w.store.Findings(ctx, run, func(f audit.Finding) error { n.Count(f, run.StartedAt); return nil }))
	w.must(w.store.Finish(ctx, key, n, w.now.Add(time.Hour)))
	w.must(w.store.Act(ctx, audit.Action{At: w.now.Add(time.Minute), Who: "mk", What: "notices snooze", Target: "t1", Why: "on leave"}))
	run, err = w.store.LoadRun(ctx, key)
	w.must(err)
	w.seal(run)
	return run
}

func (w *world) seal(run audit.Run) evidence.Sealed {
	w.t.Helper()
	w.now = w.now.Add(2 * time.Minute)
	s, err := report.Build(w.t.Context(), w.store, run.Key, w.options())
	w.must(err)
	digest, err := s.Digest(w.t.Context(), w.store)
	w.must(err)
	_, err = w.store.KeepFact(w.t.Context(), run.Key, report.DigestFact, digest)
	w.must(err)
	sealed, err := w.notary().Seal(w.t.Context(), run.Key, digest)
	w.must(err)
	return sealed
}

func (w *world) head() string {
	w.t.Helper()
	book, err := w.notary().Book(w.t.Context())
	w.must(err)
	return book.Head
}

// pack is the auditor's pack of everything.
func (w *world) pack() []byte {
	w.t.Helper()
	var out bytes.Buffer
	_, err := evidence.Write(w.t.Context(), &out, w.store, evidence.Request{
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		Sign: w.signer.Sign, Program: "test", Options: w.options(),
	})
	w.must(err)
	return out.Bytes()
}

func (w *world) exec(query string, args ...any) int64 {
	w.t.Helper()
	res, err := w.store.DB().Exec(query, args...)
	w.must(err)
	n, err := res.RowsAffected()
	w.must(err)
	return n
}

// purge takes a tenant out as the program does.
func (w *world) purge(tenant string) {
	w.t.Helper()
	ctx := w.t.Context()
	w.now = w.now.Add(time.Hour)
	tombstone := audit.NewTombstone(w.now)
	runs, err := w.store.ListRuns(ctx, 1000, false)
	w.must(err)
	var keys []string
	for _, run := range runs {
		keys = append(keys, run.Key)
	}
	w.must(w.notary().PurgeBegins(ctx, tombstone, keys))
	_, err = w.store.Purge(ctx, audit.Purge{Tenant: tenant, Tombstone: tombstone})
	w.must(err)
	w.must(w.notary().Purged(ctx))
}

// retain deletes what is older than keep, as the program does.
func (w *world) retain(keep time.Duration) (gone int) {
	w.t.Helper()
	w.must(w.notary().Expiring(w.t.Context(), w.now.Add(-keep)))
	w.must(history.DiscardOld(w.t.Context(), w.store, w.now, keep, time.Minute, func(string) { gone++ }))
	return gone
}
