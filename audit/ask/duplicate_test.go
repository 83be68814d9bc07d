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

// An answer is shared where endpoint, way of signing in, login and secret are the same as they are sent, and nowhere else;
// attempts are shared by mailbox.
func TestWhatDuplicateLoginsShare(t *testing.T) {
	google, _ := catalog.ByName("google")
	secrets := map[string]string{"spaced": "abcd efgh ijkl mnop", "other": "ponmlkjihgfedcba"}
	a := &Asker{
		Fingerprints: plainPrints{}, Log: slog.New(slog.DiscardHandler), Policy: audit.Policy{AttemptZone: time.UTC},
		Resolve: func(_ context.Context, acc audit.Account) (t Target, err error) {
			t = Target{Provider: google, Brand: &google.Brands[0]}
			t.Endpoint, err = t.Brand.Complete(acc.Host, acc.Port, acc.Security)
			return t, err
		},
		Open: func(id string, _ []byte) (providers.Secret, error) {
			if s, ok := secrets[id]; ok {
				return providers.NewSecret(s), nil
			}
			return providers.NewSecret("abcdefghijklmnop"), nil
		},
	}
	candidate := func(acc audit.Account) Candidate {
		c, reason := a.Candidate(t.Context(), acc, audit.State{}, nil)
		if reason != "" {
			t.Fatal(reason)
		}
		return c
	}
	first := candidate(audit.Account{ID: "first", TenantID: "T", Address: "front@gmail.com", Host: "smtp.gmail.com", Port: 465, Auth: audit.AuthPassword})
	for _, test := range []struct {
		what           string
		acc            audit.Account
		answer, counts bool
	}{
		{"another tenant, no host", audit.Account{ID: "b", TenantID: "U", Address: "front@gmail.com"}, true, true},
		{"the secret as people copy it", audit.Account{ID: "spaced", Address: "front@gmail.com"}, true, true},
		{"a login apart from the address", audit.Account{ID: "b", Address: "x@clinic.example", Username: "front@gmail.com"}, true, true},
		{"another port", audit.Account{ID: "b", Address: "front@gmail.com", Port: 587}, false, true},
		{"another security", audit.Account{ID: "b", Address: "front@gmail.com", Port: 465, Security: providers.STARTTLS}, false, true},
		{"another host", audit.Account{ID: "b", Address: "front@gmail.com", Host: "smtp.googlemail.com", Port: 465}, false, true},
		{"another spelling", audit.Account{ID: "b", Address: "Front@gmail.com"}, false, true},
		{"another secret", audit.Account{ID: "other", Address: "front@gmail.com"}, false, false},
		{"another mailbox", audit.Account{ID: "b", Address: "back@gmail.com"}, false, false},
	} {
		test.acc.Auth = audit.AuthPassword
		c := candidate(test.acc)
		if (c.Answer == first.Answer) != test.answer {
			t.Errorf("%s: shares the answer: %v", test.what, !test.answer)
		}
		if (c.Key == first.Key) != test.counts {
			t.Errorf("%s: counts with it: %v", test.what, !test.counts)
		}
	}
	if HandsOn(providers.Conversation{Fault: providers.FaultTLS, CredentialSent: true}) || !HandsOn(providers.Conversation{}) {
		t.Error("a fault is handed on, or an answer is not")
	}
}
