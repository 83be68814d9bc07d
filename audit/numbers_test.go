package audit

import (
	"testing"
	"time"
)

// Accounts that have not answered for long are accounts, and owe no verdict.
func TestChronicAccountsOweNoVerdict(t *testing.T) {
	started := time.Date(2026, time.November, 20, 2, 15, 0, 0, time.UTC)
	silent := func(nights int) Finding {
		return Finding{Provider: "other", Verdict: Unverified, NoAnswer: true, Since: started.AddDate(0, 0, -nights)}
	}
	var n Numbers
	for _, f := range []Finding{silent(10), silent(5), silent(1), {Provider: "other", Verdict: Compliant}, {Provider: "google", Verdict: Unverified, Since: started.AddDate(0, 0, -9)}} {
		n.Count(f, started)
	}
	if n.Accounts != 5 || n.Chronic != 2 || n.Owed() != 3 || n.Verified != 1 {
		t.Errorf("%d accounts, %d chronic, %d owed, %d verified", n.Accounts, n.Chronic, n.Owed(), n.Verified)
	}
	if p := n.Providers["other"]; p.Accounts != 4 || p.Owed() != 2 {
		t.Errorf("other: %d accounts, %d owed", p.Accounts, p.Owed())
	}
	if p := n.Providers["google"]; p.Owed() != 1 {
		t.Errorf("google, whose reply said nothing: %d owed", p.Owed())
	}
}
