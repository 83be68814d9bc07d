package audit_test

import (
	"testing"

	"mailaudit/audit"
)

func TestCausesAreCodesForUnverifiedAccountsAlone(t *testing.T) {
	for _, c := range []struct {
		f    audit.Finding
		want audit.Cause
	}{
		{audit.Finding{Verdict: audit.Compliant, Reason: "our own data"}, ""},
		{audit.Finding{Verdict: audit.Unverified, Reason: audit.Flaw{Column: "auth", What: "holds a word"}.Reason()}, audit.CauseOwnData},
		{audit.Finding{Verdict: audit.Unverified, Reason: "no secret is stored"}, audit.CauseOwnData},
		{audit.Finding{Verdict: audit.Unverified, Reason: "our own fault: the stored secret could not be opened"}, audit.CauseOwnFault},
		{audit.Finding{Verdict: audit.Unverified, Reason: "not reached"}, audit.CauseWindow},
		{audit.Finding{Verdict: audit.Unverified, Reason: "not reached: the source of the accounts was not read to its end"}, audit.CauseWindow},
		{audit.Finding{Verdict: audit.Unverified, Reason: audit.ReasonAttempts}, audit.CauseAttempts},
		{audit.Finding{Verdict: audit.Unverified, Reason: audit.ReasonContradicted}, audit.CauseTraffic},
		{audit.Finding{Verdict: audit.Unverified, Reason: "connection refused", NoAnswer: true}, audit.CauseNetwork},
		{audit.Finding{Verdict: audit.Unverified, Reply: "421 4.7.0 Try again later", NoAnswer: true}, audit.CauseProvider},
		{audit.Finding{Verdict: audit.Unverified, Reply: "535 what"}, audit.CauseProvider},
	} {
		if got := c.f.Cause(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
}
