package decide

import (
	"fmt"
	"testing"

	"mailaudit/audit"
)

func reversed(before audit.Verdict, rule, secret string, now audit.Verdict) audit.State {
	st := audit.State{Fingerprint: "f", Settled: audit.Settled{Verdict: before, Rule: rule}}
	st.Tonight = &audit.Result{Judgement: audit.Judgement{Verdict: now}, Fingerprint: secret, Rule: rule}
	return st
}

func TestReversalOf(t *testing.T) {
	for name, tt := range map[string]struct {
		st   audit.State
		want bool
	}{
		"accepted unchanged":        {reversed(audit.Revoked, "r", "f", audit.Compliant), true},
		"accepted, one factor":      {reversed(audit.Invalid, "r", "f", audit.SingleFactor), true},
		"a new secret":              {reversed(audit.Revoked, "r", "g", audit.Compliant), false},
		"refused still":             {reversed(audit.Revoked, "r", "f", audit.Revoked), false},
		"nothing heard":             {reversed(audit.Revoked, "r", "f", audit.Unverified), false},
		"fine before":               {reversed(audit.Compliant, "r", "f", audit.Compliant), false},
		"single factor, no more":    {reversed(audit.SingleFactor, "r", "f", audit.Compliant), false},
		"which secret is not known": {reversed(audit.Revoked, "r", "", audit.Compliant), false},
		"remedied between two runs": {func() audit.State {
			s := reversed(audit.Revoked, "r", "f", audit.Compliant)
			s.Remedied = audit.Revoked
			return s
		}(), false},
		"an acceptance carried over": {func() audit.State {
			s := reversed(audit.Revoked, "r", "f", audit.Compliant)
			s.Tonight.Carried = true
			return s
		}(), false},
	} {
		if got := ReversalOf(tt.st); (got != nil) != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	told := reversed(audit.Revoked, "r", "f", audit.Compliant)
	told.Told = audit.Told{Step: 1}
	shadow := told
	shadow.Told.Shadow = true
	if !ReversalOf(told).Told || ReversalOf(shadow).Told {
		t.Error("told in truth, and in shadow")
	}
}

// A rule is doubted where several tenants' refusals are taken back, and they are no small part of what it refuses.
func TestDoubted(t *testing.T) {
	for name, tt := range map[string]struct {
		tenants, each, stand int
		verdict              audit.Verdict
		want                 bool
	}{
		"three tenants":                        {3, 1, 0, audit.Revoked, true},
		"two tenants, many mailboxes":          {2, 50, 0, audit.Revoked, false},
		"one in five":                          {4, 1, 16, audit.Invalid, true},
		"fewer than one in five":               {4, 1, 17, audit.Invalid, false},
		"let in again after a block":           {9, 1, 0, audit.AccountBlocked, false},
		"switched on again by administrators":  {9, 1, 0, audit.AuthDisabled, false},
		"app passwords that were there before": {5, 1, 3, audit.AppPasswordRequired, true},
	} {
		var c Reversals
		for i := range tt.tenants {
			for range tt.each {
				st := reversed(tt.verdict, "x/r", "f", audit.Compliant)
				st.Tonight.TenantID = fmt.Sprint("T", i)
				c.Add(st)
			}
		}
		for range tt.stand {
			c.Add(reversed(tt.verdict, "x/r", "f", tt.verdict))
		}
		if d, doubted := c.Doubted()["x/r"]; doubted != tt.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
