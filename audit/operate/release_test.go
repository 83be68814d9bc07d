package operate

import (
	"testing"

	"mailaudit/audit"
)

func TestWhatIsHeldAndWhatIsSaidNow(t *testing.T) {
	for _, tt := range []struct {
		held, now audit.Verdict
		want      answer
	}{
		{audit.Revoked, audit.Revoked, answerFailing},
		{audit.Invalid, audit.Revoked, answerFailing},
		{audit.Revoked, audit.Invalid, answerFailing},
		{audit.Revoked, audit.Compliant, answerRecovered},
		{audit.Revoked, audit.Unproven, answerRecovered},
		{audit.Revoked, audit.SingleFactor, answerOtherwise},
		{audit.Revoked, audit.SignInBlocked, answerOtherwise},
		{audit.SingleFactor, audit.SingleFactor, answerFailing},
		{audit.SingleFactor, audit.Revoked, answerOtherwise},
		{audit.Revoked, audit.Unverified, answerNone},
	} {
		if got := again(tt.held, tt.now); got != tt.want {
			t.Errorf("held %s, now %s: %q", tt.held, tt.now, got)
		}
	}
}
