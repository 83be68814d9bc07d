package night

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/persist"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// asked is the same store as the conversations see it.
type asked struct {
	ask.Ledger
	*hiccup
}

func (a asked) Reserve(ctx context.Context, day string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error) {
	return a.hiccup.Reserve(ctx, day, keys, limit)
}

func (a asked) GiveBack(ctx context.Context, day, once string, keys []audit.AttemptKey) error {
	return a.hiccup.GiveBack(ctx, day, once, keys)
}

func (asked) LoadStates(context.Context, []string) (map[string]audit.State, error) { return nil, nil }

func (asked) KeepFact(_ context.Context, _, _, value string) (string, error) { return value, nil }

func (asked) Facts(context.Context, string, string) (map[string]string, error) { return nil, nil }

func (a asked) Blame(err error) (audit.Blame, string) { return a.hiccup.Blame(err) }

type prints struct{}

func (prints) Secret(string, providers.Secret) string { return "print" }
func (prints) Released(providers.Secret) string       { return "print" }
func (prints) Own(_, stored string) string            { return stored }
func (prints) Name(kind, value string) string         { return kind + " " + value }

// A failure of the store while accounts are being asked ends none of the conversations.
func TestConversationsOutliveAFailureOfTheStore(t *testing.T) {
	p, _ := catalog.ByName("google")
	store := &hiccup{failed: make(chan struct{})}
	accepted := providers.Conversation{CredentialSent: true, Stage: providers.StageAuth, Reply: providers.ParseReply(providers.StageAuth, "235 2.7.0 Accepted")}
	const width = 3
	policy, log := audit.Policy{MaxConcurrency: map[string]int{"google": width}, AttemptZone: time.UTC}, slog.New(slog.DiscardHandler)
	keeper := &aside.Keeper{Ledger: store, Now: time.Now, Log: log}
	a := &Auditor{Aside: keeper, Ledger: store, Now: time.Now, Log: log, Policy: policy, Ask: &ask.Asker{
		Aside: keeper, Ledger: asked{hiccup: store}, Now: time.Now, Log: log, Policy: policy, Fingerprints: prints{},
		Resolve: func(context.Context, audit.Account) (ask.Target, error) {
			return ask.Target{Provider: p, Brand: &p.Brands[0], Endpoint: p.Brands[0].Endpoint}, nil
		},
		Open: func(string, []byte) (providers.Secret, error) { return providers.NewSecret("abcdefghijklmnop"), nil },
		Converse: func(ctx context.Context, _ string, a providers.Attempt) providers.Conversation {
			<-store.failed
			select {
			case <-ctx.Done():
				return providers.Conversation{CredentialSent: true, Fault: providers.FaultCancelled}
			case <-time.After(50 * time.Millisecond):
				return accepted
			}
		},
	}}
	w := a.newBatchWork(audit.Run{Key: "k", Deadline: time.Now().Add(time.Hour)}, audit.Batch{Try: 1, Provider: "google"})
	for i := range 2 * width {
		w.todo = append(w.todo, audit.Account{ID: fmt.Sprint(i), Address: fmt.Sprintf("a%d@gmail.com", i), Auth: audit.AuthPassword})
	}
	if _, err := w.ask(t.Context()); err == nil {
		t.Error("the store's failure is not told")
	}
	if len(store.recorded) != width {
		t.Errorf("%d results, want %d", len(store.recorded), width)
	}
	for _, r := range store.recorded {
		if r.Verdict != audit.Compliant {
			t.Errorf("account %s is %s: %s", r.AccountID, r.Verdict, r.Reason)
		}
	}
}

// claimsOfNew is how often the attempts of secrets that were never accepted are reserved: for the tenant, the mailbox and
// the conversation.
const claimsOfNew = 3

// hiccup is a store that fails once attempts were reserved for a first portion of a batch.
type hiccup struct {
	Ledger
	failed   chan struct{}
	mu       sync.Mutex
	reserved int
	recorded []audit.Recorded
}

func (h *hiccup) Reserve(_ context.Context, _ string, keys []audit.AttemptKey, _ audit.AttemptLimit) ([]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved == claimsOfNew {
		close(h.failed)
		return nil, errors.New("unexpected EOF")
	}
	h.reserved++
	granted := make([]bool, len(keys))
	for i := range granted {
		granted[i] = true
	}
	return granted, nil
}
func (h *hiccup) Record(_ context.Context, _ string, results []audit.Recorded) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recorded = append(h.recorded, results...)
	return nil
}
func (h *hiccup) Blame(error) (audit.Blame, string)                                  { return audit.BlameAway, "" }
func (h *hiccup) GiveBack(context.Context, string, string, []audit.AttemptKey) error { return nil }

// away is a store that takes no result until it is back.
type away struct {
	hiccup
	back  time.Time
	tries int
}

func (a *away) Record(ctx context.Context, key string, results []audit.Recorded) error {
	a.tries++
	if time.Now().Before(a.back) {
		return errors.New("connection refused")
	}
	return a.hiccup.Record(ctx, key, results)
}

func TestVerdictsThatAreHeardWhileTheDatabaseIsAwayAreRecordedWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		store := &away{back: time.Now().Add(4 * time.Minute)}
		keeper := &aside.Keeper{Ledger: store, Now: time.Now, Log: log}
		heard := &persist.Writer{Store: store, Log: log}
		a := &Auditor{Aside: keeper, Ledger: store, Heard: heard, Now: time.Now, Log: log, Ask: &ask.Asker{Aside: keeper, Heard: heard}}
		w := a.newBatchWork(audit.Run{Key: "k", Deadline: time.Now().Add(time.Hour)}, audit.Batch{Try: 1, Provider: "google"})
		results := make(chan audit.Result, 3)
		for i := range 3 {
			results <- audit.Result{AccountID: fmt.Sprint(i), Judgement: audit.Judgement{Verdict: audit.Compliant}}
		}
		close(results)
		ended, cancel := context.WithCancel(t.Context())
		cancel() // the queue gives a job less time than that
		if err := w.record(ended, results); err != nil || len(store.recorded) != 3 {
			t.Errorf("%v: %d results recorded, want 3", err, len(store.recorded))
		}
		if store.tries > 300 {
			t.Errorf("%d tries in 4 minutes", store.tries)
		}
	})
}

func TestABatchHasOneTurnAtATimeInAProcess(t *testing.T) {
	var b batchesInHand
	free := func(run string, n int) bool { _, free := b.take(run, n); return free }
	if !free("k", 1) || free("k", 1) || !free("k", 2) || !free("l", 1) {
		t.Error("a batch in hand is taken again, or another one is not")
	}
	b.leave("k", 1, false)
	if !free("k", 1) {
		t.Error("a batch that is not in hand any more is not taken")
	}
}

// failedOver is a store that has lost what it was given first.
type failedOver struct {
	hiccup
	lost   map[string]bool
	newest int64 // Seq of the newest run
}

func (f *failedOver) LoadStatesIn(_ context.Context, key string, ids []string) (map[string]audit.State, error) {
	states := map[string]audit.State{}
	for _, r := range f.recorded {
		if !f.lost[r.AccountID] {
			states[r.AccountID] = audit.State{AccountID: r.AccountID, Tonight: &audit.Result{RunKey: key, Try: 1}}
		}
	}
	return states, nil
}

func (f *failedOver) ListRuns(context.Context, int, bool) ([]audit.Run, error) {
	return []audit.Run{{Key: "newest", Seq: f.newest}}, nil
}

func TestResultsThatAFailoverLostAreWrittenAgain(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	store := &failedOver{lost: map[string]bool{"b": true, "d": true}}
	keeper := &aside.Keeper{Ledger: store, Now: time.Now, Log: log}
	a := &Auditor{Aside: keeper, Ledger: store, Now: time.Now, Log: log, Ask: &ask.Asker{Aside: keeper}}
	w := a.newBatchWork(audit.Run{Key: "k"}, audit.Batch{Try: 1, IDs: []string{"a", "b", "c", "d"}})
	w.known, _ = a.inHand.take("k", 1)
	for _, id := range []string{"a", "b"} {
		w.known.keep(audit.Recorded{Result: audit.Result{AccountID: id}})
		store.recorded = append(store.recorded, audit.Recorded{Result: audit.Result{AccountID: id}})
	}
	store.recorded = append(store.recorded, audit.Recorded{Result: audit.Result{AccountID: "c"}}) // another process's
	w.had = []string{"c"}
	before := len(store.recorded)
	lost, err := w.restore(t.Context())
	if again := store.recorded[before:]; err != nil || lost || len(again) != 1 || again[0].AccountID != "b" {
		t.Errorf("%v: lost %v, written again %v, want b alone", err, lost, again)
	}
	w.had = []string{"c", "d"}
	if lost, err := w.restore(t.Context()); err != nil || !lost {
		t.Errorf("%v: an answer that nobody knows any more is not missed", err)
	}
	store.newest = 1
	before = len(store.recorded)
	if lost, err := w.restore(t.Context()); err != nil || lost || len(store.recorded) != before {
		t.Errorf("%v: lost %v, %d written over a later run's", err, lost, len(store.recorded)-before)
	}
}
