package ask

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

type noFacts struct{ Ledger }

func (noFacts) KeepFact(_ context.Context, _, _, value string) (string, error) { return value, nil }

func TestPanicEndsOneConversationAlone(t *testing.T) {
	var log bytes.Buffer
	p, _ := catalog.ByName("google")
	w := &Round{
		Asker: &Asker{
			Ledger: noFacts{}, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Converse: func(context.Context, string, providers.Attempt) providers.Conversation { panic("planted-secret") },
		},
		Run: audit.Run{Key: "k"}, Batch: audit.Batch{Try: 1},
	}
	r, ok := w.AskSafely(t.Context(), Candidate{Account: audit.Account{ID: "a"}, Target: Target{Provider: p, Brand: &p.Brands[0]}, secret: providers.NewSecret("planted-secret")})
	if !ok || r.Verdict != audit.Unverified || r.AccountID != "a" || r.RunKey != "k" {
		t.Errorf("result %+v, %v", r, ok)
	}
	if !strings.Contains(log.String(), "broke off") || strings.Contains(log.String(), "planted-secret") {
		t.Errorf("log: %s", log.String())
	}
}
