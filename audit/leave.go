package audit

import (
	"time"

	"mailaudit/providers"
)

// trafficProof is how fresh the product's own success must be to contradict a refusal.
const trafficProof = 24 * time.Hour

// ReasonContradicted is why such an account is unverified.
const ReasonContradicted = "contradicted by live traffic"

// contradicted tells whether the product has sent mail through the very credential that is refused now: then
// the fault is ours, our address perhaps, and nobody is accused.
func contradicted(acc Account, j Judgement, class providers.Class, now time.Time) bool {
	if !j.Verdict.Failing() || class == providers.Accepted || acc.LastSentOKAt.IsZero() {
		return false
	}
	return now.Sub(acc.LastSentOKAt) < trafficProof
}

// worksSince tells whether the product has sent mail through the credential since it was refused last: then
// the refusal may be history.
func worksSince(acc Account, st State) bool { return acc.LastSentOKAt.After(st.NightAt) }

// leftAlone tells whether an account need not be asked in a run: its secret was refused on enough nights and
// has not changed, and no reminder is due, which needs a refusal of the same night.
func (p Policy) leftAlone(run Run, st State, fingerprint string) bool {
	s := st.Settled
	if s.Verdict != Revoked && s.Verdict != Invalid {
		return false // what is repaired at the provider is asked every night
	}
	if st.SeenAt.IsZero() {
		return false // a guard doubted the last refusal, or a re-check met another one
	}
	if fingerprint == "" || fingerprint != st.Fingerprint || s.Nights < max(2, p.Cadence.ConfirmNights) {
		return false
	}
	if run.StartedAt.Sub(s.NightAt) >= p.RecheckRefused {
		return false
	}
	if st.Told.Step == 0 {
		return true
	}
	cadence := p.Cadence
	cadence.Shadow = p.Mode == ModeShadow
	return cadence.Decide(run.StartedAt, s, st.Told, true, 0, false).Kind != KindReminder
}

// carry is the result of an account that was left alone: the verdict of an earlier night stands.
func carry(r Result, s Settled) Result {
	r.Judgement = Judgement{Verdict: s.Verdict, TwoFactor: s.TwoFactor, Certainty: s.Certainty, Actor: s.Actor}
	r.Rule, r.Reply, r.Reason, r.Carried = s.Rule, s.Reply, "not asked tonight: the same secret was refused before", true
	return r
}
