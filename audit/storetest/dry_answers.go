package storetest

import (
	"testing"

	"mailaudit/audit"
)

// testDryAnswers: a dry run's answers serve one run, on their day, and that run again after a crash.
func testDryAnswers(t *testing.T, s audit.Store) {
	one := audit.DryAnswer{AccountID: "a-1", Fingerprint: "f", Name: "n", Said: `{"Reply": "535"}`}
	two := audit.DryAnswer{AccountID: "a-2", Fingerprint: "g", Name: "m", Said: "{}"}
	take := func(day, run string, want ...audit.DryAnswer) {
		t.Helper()
		got, err := s.TakeDryAnswers(t.Context(), day, run, []string{"a-1", "a-2", "nobody"})
		must(t, err)
		all := map[string]audit.DryAnswer{}
		for _, a := range want {
			all[a.AccountID] = a
		}
		same(t, "answers of "+day+" for "+run, got, all)
	}
	take("2026-11-23", "n1")
	must(t, s.KeepDryAnswers(t.Context(), "2026-11-23", []audit.DryAnswer{one, two}))
	take("2026-11-24", "n1")
	take("2026-11-23", "n1", one, two)
	take("2026-11-23", "n1", one, two)
	take("2026-11-23", "n2")

	// A later dry run's answer is the one that counts, and those of other days are dropped.
	again := one
	again.Said = `{"Reply": "235"}`
	must(t, s.KeepDryAnswers(t.Context(), "2026-11-23", []audit.DryAnswer{again}))
	take("2026-11-23", "n2", again)
	must(t, s.KeepDryAnswers(t.Context(), "2026-11-24", []audit.DryAnswer{two}))
	take("2026-11-23", "n2")
	take("2026-11-24", "n3", two)
}
