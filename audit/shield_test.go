package audit

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

type noFacts struct{ Ledger }

func (noFacts) KeepFact(_ context.Context, _, _, value string) (string, error) { return value, nil }

func TestPanicEndsOneConversationAlone(t *testing.T) {
	var log bytes.Buffer
	p, _ := catalog.ByName("google")
	w := &batchWork{
		Auditor: &Auditor{
			Ledger: noFacts{}, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Ask: func(context.Context, string, providers.Attempt) providers.Conversation { panic("planted-secret") },
		},
		run: Run{Key: "k"}, batch: Batch{Try: 1},
	}
	r, ok := w.shielded(t.Context(), candidate{account: Account{ID: "a"}, target: Target{Provider: p, Brand: &p.Brands[0]}, secret: providers.NewSecret("planted-secret")})
	if !ok || r.Verdict != Unverified || r.AccountID != "a" || r.RunKey != "k" {
		t.Errorf("result %+v, %v", r, ok)
	}
	if !strings.Contains(log.String(), "broke off") || strings.Contains(log.String(), "planted-secret") {
		t.Errorf("log: %s", log.String())
	}
}
