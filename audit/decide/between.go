package decide

import (
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Remedy is the state of a failing account that was accepted between two runs, at now. The finding is over:
// who is refused again has a new one. No run has seen it, so history gets its step from the next conclusive
// night, and the reports of earlier nights stay as they are.
func Remedy(st audit.State, r audit.Result, now time.Time) audit.State {
	st.Remedied, st.RemediedAt, st.Tried = st.Settled.Verdict, now, ""
	st.Settled = audit.Settled{
		Verdict: r.Verdict, TwoFactor: r.TwoFactor, Certainty: r.Certainty, Actor: r.Actor, Attested: r.Attested, Since: now,
		Rule: r.Rule, Reply: r.Reply, Reason: r.Reason,
	}
	st.Fingerprint, st.AcceptedFingerprint, st.Binding = r.Fingerprint, r.Fingerprint, r.Binding
	st.DefiniteAt, st.SeenAt, st.UnverifiedSince = now, time.Time{}, time.Time{}
	return st
}

// betweenRuns gives a state as the last run knew it, with tonight's result. An acceptance in between counts
// as this run's recovery where the run accepts too; where it refuses, the finding is new. A result that is
// older than the acceptance is overtaken, and so is one that was not asked for: an earlier night's verdict does not
// stand any more.
func betweenRuns(st audit.State) (audit.State, audit.Result) {
	r := *st.Tonight
	if st.Remedied != "" && (r.Carried || r.At.Before(st.RemediedAt)) {
		r.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
		r.Reason, r.Carried = "overtaken: the account was accepted after it was asked", false
	}
	if r.Verdict == audit.Unverified {
		return st, r
	}
	if st.Remedied != "" && r.Verdict.Fine() {
		st.Settled = audit.Settled{Verdict: st.Remedied}
	}
	st.Remedied, st.RemediedAt, st.Tried = "", time.Time{}, ""
	return st, r
}
