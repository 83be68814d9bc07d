package decide

import (
	"cmp"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// trafficProof is how fresh the product's own success must be to contradict a refusal.
const trafficProof = 24 * time.Hour

// ContradictedByTraffic reports whether the product has sent mail through the very credential that is refused now: then
// the fault is ours, our address perhaps, and nobody is accused.
func ContradictedByTraffic(acc audit.Account, j audit.Judgement, class providers.Class, now time.Time) bool {
	if !j.Verdict.Failing() || class == providers.Accepted || acc.LastSentOKAt.IsZero() {
		return false
	}
	return now.Sub(acc.LastSentOKAt) < trafficProof
}

// SentSinceRefused reports whether the product has sent mail through the credential since it was refused last: then
// the refusal may be history.
func SentSinceRefused(acc audit.Account, st audit.State) bool {
	return acc.LastSentOKAt.After(st.NightAt)
}

// LeftAlone reports whether an account need not be asked in a run: its secret was refused on enough nights and
// has not changed, and no reminder is due, which needs a refusal of the same night.
func LeftAlone(p audit.Policy, run audit.Run, st audit.State, fingerprint string) bool {
	s := st.Settled
	if s.Verdict != audit.Revoked && s.Verdict != audit.Invalid {
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
	cadence.Shadow = p.Mode == audit.ModeShadow
	return dueMail(cadence, run.StartedAt, s, st.Told, true, 0, false).Kind != audit.KindReminder
}

// CarriedOver is the result of an account that was left alone: the verdict of an earlier night stands.
func CarriedOver(r audit.Result, s audit.Settled) audit.Result {
	r.Judgement = audit.Judgement{Verdict: s.Verdict, TwoFactor: cmp.Or(s.Attested.From, s.TwoFactor), Certainty: s.Certainty, Actor: s.Actor}
	r.Rule, r.Reply, r.Reason, r.Carried = s.Rule, s.Reply, "not re-checked: the same secret was refused before", true
	return r
}
