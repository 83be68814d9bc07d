package decide

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// A binding goes with the accepted fingerprint: an acceptance sets both, what a released version left is bound as it is
// found, and no refusal binds a secret that was not accepted.
func TestSettleBinds(t *testing.T) {
	run := audit.Run{Key: "k", Seq: 2, StartedAt: time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)}
	for _, test := range []struct {
		what                      string
		accepted, binding         string // as stored
		verdict                   audit.Verdict
		fingerprint, renamed      string // of the result, which is bound to "new"
		wantAccepted, wantBinding string
	}{
		{"accepted", "", "", audit.Compliant, "p", "", "p", "new"},
		{"accepted, another secret", "o", "old", audit.Compliant, "p", "", "p", "new"},
		{"refused, never accepted", "", "", audit.Invalid, "p", "", "", ""},
		{"refused, another was accepted", "o", "old", audit.Invalid, "p", "", "o", "old"},
		{"refused, of a released version", "p-released", "", audit.Revoked, "p", "p", "p", "new"},
		{"refused, another of a released version", "o-released", "", audit.Invalid, "p", "o", "o", ""},
		{"refused, a released version has worked beside this one", "p-released", "stale", audit.Revoked, "p", "p", "p", "new"},
		{"refused where it was accepted", "p", "old", audit.Revoked, "p", "", "p", "old"},
		{"no word", "p-released", "", audit.Unverified, "p", "p", "p-released", ""},
	} {
		st := audit.State{AccountID: "a", AcceptedFingerprint: test.accepted, Binding: test.binding, Tonight: &audit.Result{
			AccountID: "a", RunKey: "k", Fingerprint: test.fingerprint, AcceptedFingerprint: test.renamed, Binding: "new", At: run.StartedAt,
			Judgement: audit.Judgement{Verdict: test.verdict, TwoFactor: providers.TwoFactorUnknown},
		}}
		got := Settle(run, st).State
		if got.AcceptedFingerprint != test.wantAccepted || got.Binding != test.wantBinding {
			t.Errorf("%s: accepted %q, bound %q; want %q, %q", test.what, got.AcceptedFingerprint, got.Binding, test.wantAccepted, test.wantBinding)
		}
	}
}
