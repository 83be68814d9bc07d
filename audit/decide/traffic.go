package decide

import (
	"time"

	"mailaudit/audit"
)

// Traffic is what there is to say whether the product's own sending spares an account its sign-in tonight.
type Traffic struct {
	State        audit.State
	LastSentOKAt time.Time // zero: the product does not say
	Fingerprint  string    // of the opened secret; "" where it could not be opened
	SameWay      bool      // the secret goes where it was accepted, by the same login
	Held         bool      // a person is to decide on the provider's findings
	Canary       bool
	Now          time.Time
}

// ByTraffic reports whether an account need not be asked in a run, for the product has sent mail by the same credential a
// short time ago: it was compliant when the provider itself was asked last, nothing is open with it, its secret is
// the one that was accepted then, and that is not too long ago. One sending more than 5 minutes ahead of the clock is no proof.
func ByTraffic(p audit.ReuseTraffic, t Traffic) bool {
	st := t.State
	switch age := t.Now.Sub(t.LastSentOKAt); {
	case p.Within <= 0 || t.LastSentOKAt.IsZero() || age < -audit.ClockSkew || age >= p.Within:
		return false
	case t.Canary || t.Held || !t.SameWay:
		return false
	case st.Settled.Verdict != audit.Compliant || !st.UnverifiedSince.IsZero(): // the first run, an open finding, doubt
		return false
	case st.Told.Step > 0 || st.Remedied != "" || st.Tried != "": // its customer waits for word that it works again
		return false
	case t.Fingerprint == "" || t.Fingerprint != st.AcceptedFingerprint || t.Fingerprint != st.Fingerprint:
		return false
	}
	asked := t.Now.Sub(st.AskedAt)
	return !st.AskedAt.IsZero() && asked >= -audit.ClockSkew && asked < p.AtMost
}

// Spared is the result of such an account: what the provider's acceptance meant stands. j is what an acceptance
// of the secret means today; ok is false where that is not what was settled, and the account is asked.
func Spared(r audit.Result, st audit.State, j audit.Judgement) (_ audit.Result, ok bool) {
	if j.Verdict != audit.Compliant {
		return r, false
	}
	r.Judgement, r.Rule, r.Reply, r.Reason, r.Traffic = j, st.Settled.Rule, st.Settled.Reply, st.Settled.Reason, true
	return r, true
}
