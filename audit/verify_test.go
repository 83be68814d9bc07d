package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// hiccup is a store that fails once attempts were reserved for a first portion of a batch.
type hiccup struct {
	Ledger
	failed   chan struct{}
	mu       sync.Mutex
	reserved int
	recorded []Recorded
}

func (h *hiccup) Reserve(_ context.Context, _ string, keys []AttemptKey, _ AttemptLimit) ([]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved > 0 {
		close(h.failed)
		return nil, errors.New("unexpected EOF")
	}
	h.reserved = len(keys)
	granted := make([]bool, len(keys))
	for i := range granted {
		granted[i] = true
	}
	return granted, nil
}
func (h *hiccup) Record(_ context.Context, _ string, results []Recorded) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recorded = append(h.recorded, results...)
	return nil
}
func (h *hiccup) Blame(error) (Blame, string)                          { return BlameAway, "" }
func (h *hiccup) GiveBack(context.Context, string, []AttemptKey) error { return nil }

type plainPrints struct{}

func (plainPrints) Secret(providers.Secret) string { return "print" }
func (plainPrints) Login(login string) string      { return login }

// A failure of the store while accounts are being asked ends none of the conversations.
func TestConversationsOutliveAFailureOfTheStore(t *testing.T) {
	p, _ := catalog.ByName("google")
	store := &hiccup{failed: make(chan struct{})}
	accepted := providers.Conversation{CredentialSent: true, Stage: providers.StageAuth, Reply: providers.ParseReply(providers.StageAuth, "235 2.7.0 Accepted")}
	const width = 3
	w := &batchWork{
		Auditor: &Auditor{
			Ledger: store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Fingerprints: plainPrints{},
			Policy: Policy{MaxConcurrency: map[string]int{"google": width}, AttemptZone: time.UTC},
			Resolve: func(context.Context, Account) (Target, error) {
				return Target{Provider: p, Brand: &p.Brands[0], Endpoint: p.Brands[0].Endpoint}, nil
			},
			Open: func(string, []byte) (providers.Secret, error) { return providers.NewSecret("abcdefghijklmnop"), nil },
			Ask: func(ctx context.Context, _ string, a providers.Attempt) providers.Conversation {
				<-store.failed
				select {
				case <-ctx.Done():
					return providers.Conversation{CredentialSent: true, Fault: providers.FaultCancelled}
				case <-time.After(50 * time.Millisecond):
					return accepted
				}
			},
		},
		run: Run{Key: "k", Deadline: time.Now().Add(time.Hour)}, batch: Batch{Try: 1, Provider: "google"},
	}
	for i := range 2 * width {
		w.todo = append(w.todo, Account{ID: fmt.Sprint(i), Address: fmt.Sprintf("a%d@gmail.com", i), Auth: AuthPassword})
	}
	if _, err := w.ask(t.Context()); err == nil {
		t.Error("the store's failure is not told")
	}
	if len(store.recorded) != width {
		t.Errorf("%d results, want %d", len(store.recorded), width)
	}
	for _, r := range store.recorded {
		if r.Verdict != Compliant {
			t.Errorf("account %s is %s: %s", r.AccountID, r.Verdict, r.Reason)
		}
	}
}
