package storetest

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// An account has one check at a time, whoever asks for it; its end is kept, and a late end of an older one is not.
func testChecks(t *testing.T, s audit.Store) {
	at := night
	check := func(id string) audit.ProductCheck {
		return audit.ProductCheck{ID: id, AccountID: "a", TenantID: "T", At: at, State: audit.CheckAsking}
	}
	none, err := s.LastCheck(t.Context(), "a")
	must(t, err)
	same(t, "no check", none, audit.ProductCheck{})
	first, begun, err := s.BeginCheck(t.Context(), check("one"), at.Add(-time.Minute))
	must(t, err)
	if !begun || first.ID != "one" {
		t.Errorf("the first check: %+v, begun %v", first, begun)
	}
	at = at.Add(time.Second)
	second, begun, err := s.BeginCheck(t.Context(), check("two"), at.Add(-time.Minute))
	must(t, err)
	if begun || second.ID != "one" {
		t.Errorf("a second check beside the first: %+v, begun %v", second, begun)
	}
	at = at.Add(2 * time.Minute)
	third, begun, err := s.BeginCheck(t.Context(), check("three"), at.Add(-time.Minute))
	must(t, err)
	if !begun || third.ID != "three" {
		t.Errorf("a check after one whose process is gone: %+v, begun %v", third, begun)
	}
	ended := check("three")
	ended.State, ended.Verdict, ended.TwoFactor, ended.Certainty = audit.CheckDone, audit.Revoked, providers.TwoFactorUnknown, providers.Definite
	must(t, s.EndCheck(t.Context(), ended))
	late := check("one")
	late.State, late.Verdict = audit.CheckDone, audit.Compliant
	must(t, s.EndCheck(t.Context(), late))
	last, err := s.LastCheck(t.Context(), "a")
	must(t, err)
	same(t, "the last check", last, ended)
	waits := check("four")
	if _, begun, err := s.BeginCheck(t.Context(), waits, at.Add(-time.Minute)); err != nil || !begun {
		t.Errorf("a check after one that is done: begun %v, %v", begun, err)
	}
	waits.State, waits.RetryAt = audit.CheckWaits, at.Add(20*time.Hour)
	must(t, s.EndCheck(t.Context(), waits))
	last, err = s.LastCheck(t.Context(), "a")
	must(t, err)
	same(t, "a check that waits", last, waits)
	if _, err := s.Purge(t.Context(), audit.Purge{Tenant: "T", Tombstone: "purged-1"}); err != nil {
		t.Fatal(err)
	}
	last, err = s.LastCheck(t.Context(), "a")
	must(t, err)
	same(t, "the check of a purged tenant", last, audit.ProductCheck{})
}

// A tenant's failing accounts are its own.
func testFailingOf(t *testing.T, s audit.Store) {
	st := revokedState(t, s, "k", "a")
	mine, err := s.FailingOf(t.Context(), st.TenantID, "", 10)
	must(t, err)
	same(t, "failing accounts of the tenant", mine, []audit.State{st})
	if rest, err := s.FailingOf(t.Context(), st.TenantID, "a", 10); err != nil || len(rest) > 0 {
		t.Errorf("after the last: %v, %v", rest, err)
	}
	if others, err := s.FailingOf(t.Context(), "another", "", 10); err != nil || len(others) > 0 {
		t.Errorf("of another tenant: %v, %v", others, err)
	}
}
