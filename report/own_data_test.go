package report

import (
	"strings"
	"testing"

	"mailaudit/audit"
)

// A source that hands out nothing, or a whole kind of accounts in words that we do not read, is no quiet run.
func TestASourceThatIsNotReadIsNoQuietRun(t *testing.T) {
	const reason = "our own data: column auth holds a word that is not known"
	for _, tt := range []struct {
		what      string
		providers map[string]int // accounts
		silent    []Silence
		scope     audit.Scope
		level     Level
		headline  string
	}{
		{"no account at all", nil, nil, audit.Scope{}, LevelAlarm, "No account in the source"},
		{"none in a partial run", nil, nil, audit.Scope{Tenant: "t"}, LevelCalm, "Nothing to do"},
		{"all of Google, and Zoho is fine", map[string]int{"google": 40, "zoho": 3000},
			[]Silence{{Provider: "google", Reason: reason, OwnData: true, Count: 40}}, audit.Scope{}, LevelAlarm, "All 40 Google accounts refused by our own checks"},
		{"two of Google are a few faulty rows", map[string]int{"google": 2, "zoho": 3000},
			[]Silence{{Provider: "google", Reason: reason, OwnData: true, Count: 2}}, audit.Scope{}, LevelCalm, "Nothing to do"},
		{"all but one", map[string]int{"google": 4, "zoho": 3000},
			[]Silence{{Provider: "google", Reason: reason, OwnData: true, Count: 3}}, audit.Scope{}, LevelCalm, "Nothing to do"},
		{"none answered", map[string]int{"google": 4, "zoho": 3000}, []Silence{{Provider: "google", Reason: "timeout", Count: 4}}, audit.Scope{}, LevelCalm, "Nothing to do"},
	} {
		s := &Summary{Run: audit.Run{Key: "k", Status: audit.RunConcluded, Scope: tt.scope}, NoAnswer: tt.silent}
		for name, n := range tt.providers {
			s.Providers = append(s.Providers, Provider{Name: name, Title: Capital(name), Accounts: n})
			s.Numbers.Accounts += n
		}
		s.Run.Accounts = s.Numbers.Accounts
		s.Numbers.Verified = s.Numbers.Accounts
		s.Actions = s.actions()
		s.Level = s.level()
		if s.Level != tt.level || s.Headline() != tt.headline {
			t.Errorf("%s: %s, %q", tt.what, s.Level, s.Headline())
		}
		if tt.silent != nil && tt.level == LevelAlarm && (!strings.HasPrefix(s.Actions[0].Text, "Correct the source") || !strings.Contains(s.Actions[0].Text, "column auth")) {
			t.Errorf("%s: first comes %q", tt.what, s.Actions[0].Text)
		}
	}
}
