package ask

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

func TestLoginsMetBefore(t *testing.T) {
	const logins = 100_000
	m := NewLogins()
	for round := range 2 {
		met := 0
		for i := range logins {
			if m.before(fmt.Sprintf("login %d", i)) {
				met++
			}
		}
		if want := round * logins; met != want && met > want+1 {
			t.Errorf("round %d: %d of %d logins were met before", round+1, met, logins)
		}
	}
}

// facts is a ledger that keeps facts alone.
type facts struct {
	Ledger
	kept map[string]string
}

func (f facts) KeepFact(_ context.Context, _, name, value string) (string, error) {
	if _, taken := f.kept[name]; !taken {
		f.kept[name] = value
	}
	return f.kept[name], nil
}

func (f facts) Facts(_ context.Context, _, prefix string) (map[string]string, error) {
	found := map[string]string{}
	for name, value := range f.kept {
		if strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found, nil
}

func (facts) Reserve(_ context.Context, _ string, keys []audit.AttemptKey, _ audit.AttemptLimit) ([]bool, error) {
	return slices.Repeat([]bool{true}, len(keys)), nil
}

// What was said to a duplicate login was said when the duplicate login was asked, however much later it is taken over.
func TestAnswerOfADuplicateLoginKeepsItsTime(t *testing.T) {
	p, _ := catalog.ByName("google")
	now := time.Date(2026, 11, 29, 2, 20, 0, 0, time.UTC)
	asked := now
	w := &Round{
		Asker: &Asker{
			Ledger: facts{kept: map[string]string{}}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Fingerprints: plainPrints{},
			Policy: audit.Policy{AttemptZone: time.UTC, MaxConcurrency: map[string]int{"google": 1}},
			Resolve: func(context.Context, audit.Account) (Target, error) {
				return Target{Provider: p, Brand: &p.Brands[0], Endpoint: p.Brands[0].Endpoint}, nil
			},
			Open: func(string, []byte) (providers.Secret, error) { return providers.NewSecret("abcdefghijklmnop"), nil },
		},
		Run: audit.Run{Key: "k", StartedAt: now.Add(-time.Hour)}, Batch: audit.Batch{Try: 1, Provider: "google"},
	}
	acc := audit.Account{ID: "a", Address: "front@gmail.com", Auth: audit.AuthPassword}
	first, _ := w.candidate(t.Context(), acc)
	w.duplicates = duplicates{first.Key.Login: true}
	first.shared = true
	if _, asks, err := w.answerOfDuplicate(t.Context(), first); !asks || err != nil {
		t.Fatalf("the first does not ask: %v", err)
	}
	refused := providers.Conversation{CredentialSent: true, Stage: providers.StageAuth, Reply: providers.ParseReply(providers.StageAuth, "535 5.7.8 Username and Password not accepted")}
	if err := w.tellDuplicates(t.Context(), first, refused, asked); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	acc.ID = "b"
	_, settled, err := w.Prepare(t.Context(), []audit.Account{acc})
	if err != nil || len(settled) != 1 || !settled[0].Verdict.Failing() || !settled[0].At.Equal(asked) {
		t.Errorf("taken over: %+v, %v", settled, err)
	}
}

type plainPrints struct{}

func (plainPrints) Secret(string, providers.Secret) string { return "print" }
func (plainPrints) Released(providers.Secret) string       { return "print" }
func (plainPrints) Own(_, stored string) string            { return stored }
func (plainPrints) Name(kind, value string) string         { return kind + " " + value }
