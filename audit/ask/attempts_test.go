package ask

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// counted is a ledger that keeps facts and counts attempts as a store does.
type counted struct {
	facts
	used map[audit.AttemptKey]int
}

func (c counted) Reserve(_ context.Context, _ string, keys []audit.AttemptKey, limit audit.AttemptLimit) ([]bool, error) {
	granted := make([]bool, len(keys))
	for i, k := range keys {
		secrets := 0
		for other, n := range c.used {
			if other.Login == k.Login && n > 0 {
				secrets++
			}
		}
		if granted[i] = c.used[k] < limit.PerSecret && (c.used[k] > 0 || secrets < limit.Secrets); granted[i] {
			c.used[k]++
		}
	}
	return granted, nil
}

func (c counted) GiveBack(_ context.Context, _, _ string, keys []audit.AttemptKey) error {
	for _, k := range keys {
		c.used[k] = max(0, c.used[k]-1)
	}
	return nil
}

func (counted) Blame(error) (audit.Blame, string) { return audit.BlameAway, "" }

// An answer that was given to the mailbox's owner tells a stranger that his guess is right: so a guess is counted though
// nobody is asked, and what a stranger has used up he has used up for himself.
func TestAnAnswerIsNoOracle(t *testing.T) {
	google, _ := catalog.ByName("google")
	secrets := map[string]string{"guess-0": "aaaaaaaaaaaaaaaa", "guess-1": "bbbbbbbbbbbbbbbb", "guess-2": "cccccccccccccccc"}
	ledger := counted{facts: facts{kept: map[string]string{}}, used: map[audit.AttemptKey]int{}}
	now := time.Date(2026, 11, 29, 2, 20, 0, 0, time.UTC)
	asker := &Asker{
		Ledger: ledger, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Fingerprints: ownPrints{},
		Policy: audit.Policy{AttemptZone: time.UTC, Attempts: audit.AttemptLimit{PerSecret: 2, Secrets: 3}},
		Resolve: func(context.Context, audit.Account) (Target, error) {
			return Target{Provider: google, Brand: &google.Brands[0], Endpoint: google.Brands[0].Endpoint}, nil
		},
		Open: func(id string, _ []byte) (providers.Secret, error) {
			if s, ok := secrets[id]; ok {
				return providers.NewSecret(s), nil
			}
			return providers.NewSecret("abcdefghijklmnop"), nil
		},
	}
	w := &Round{Asker: asker, Run: audit.Run{Key: "k", StartedAt: now}, Batch: audit.Batch{Try: 1, Provider: "google"}, States: map[string]audit.State{}}
	owner := audit.Account{ID: "owner", TenantID: "clinic", Address: "front@gmail.com", Auth: audit.AuthPassword}
	w.States["owner"] = audit.State{AccountID: "owner", AcceptedFingerprint: ownPrints{}.Secret("owner", providers.NewSecret("abcdefghijklmnop"))}
	c, _ := w.candidate(t.Context(), owner)
	w.duplicates = duplicates{c.Key.Login: true}
	prepared := func(id, tenant string) (asked bool, settled []audit.Result) {
		t.Helper()
		acc := owner
		acc.ID, acc.TenantID = id, tenant
		ready, settled, err := w.Prepare(t.Context(), []audit.Account{acc})
		if err != nil {
			t.Fatal(err)
		}
		if len(ready) == 1 && id == "owner" {
			accepted := providers.Conversation{CredentialSent: true, Stage: providers.StageAuth, Reply: providers.ParseReply(providers.StageAuth, "235 2.7.0 Accepted")}
			if err := w.tellDuplicates(t.Context(), ready[0], accepted, now); err != nil {
				t.Fatal(err)
			}
		}
		return len(ready) == 1, settled
	}
	if asked, _ := prepared("owner", "clinic"); !asked {
		t.Fatal("the owner is not asked")
	}
	for id, want := range map[string]bool{"guess-0": true, "guess-1": true} {
		if asked, _ := prepared(id, "evil"); asked != want {
			t.Errorf("%s is asked: %v", id, asked)
		}
	}
	for _, id := range []string{"guess-2", "right"} {
		if asked, settled := prepared(id, "evil"); asked || len(settled) != 1 || settled[0].Verdict != audit.Unverified {
			t.Errorf("%s: asked %v, %+v", id, asked, settled)
		}
	}
	if asked, settled := prepared("partner", "partner"); asked || len(settled) != 1 || settled[0].Verdict != audit.Compliant {
		t.Errorf("another clinic that knows the secret: asked %v, %+v", asked, settled)
	}
	if asked, _ := prepared("owner", "clinic"); !asked {
		t.Error("the owner's second conversation is gone")
	}
}

// ownPrints are fingerprints of an account's own without a key.
type ownPrints struct{ plainPrints }

func (ownPrints) Secret(id string, s providers.Secret) string { return id + " " + s.Reveal() }
