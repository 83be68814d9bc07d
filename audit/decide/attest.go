package decide

import (
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

const (
	// attestedFor is how long an attestation holds after it was seen.
	attestedFor = 90 * 24 * time.Hour
	// attestedAnew is how much younger an attestation must be to take the place of the one that is kept: a product that
	// renews all of them every day must not make a step of history every day.
	attestedAnew = 14 * 24 * time.Hour
)

// AttestationHolds reports whether an attestation holds at now: it says yes, has not expired, and was seen within 90 days.
// One that was seen more than 5 minutes ahead proves nothing.
func AttestationHolds(a audit.Attestation, now time.Time) bool { return a.Value && current(a, now) }

func current(a audit.Attestation, now time.Time) bool {
	age := now.Sub(a.SeenAt)
	return !a.SeenAt.IsZero() && age >= -audit.ClockSkew && age <= attestedFor && (a.ExpiresAt.IsZero() || now.Before(a.ExpiresAt))
}

// Attest raises what a sign-in shows of two-factor by what the product attests of the account: unknown or likely to shown,
// by a customer's statement to likely. It changes no verdict, raises no absent, and lowers nothing. before is what was
// attested until now. An unverified account stays as it is: nothing is said of it in this run.
func Attest(j audit.Judgement, all []audit.Attestation, before audit.Attested, now time.Time) audit.Judgement {
	j.Attested = audit.Attested{}
	best := -1
	for i, a := range all {
		if AttestationHolds(a, now) && (best < 0 || stronger(a, all[best])) {
			best = i
		}
	}
	if best < 0 || j.Verdict == audit.Unverified {
		return j
	}
	a := all[best]
	is := audit.Attested{Kind: a.Kind, SeenAt: a.SeenAt.UTC(), ExpiresAt: a.ExpiresAt.UTC(), From: j.TwoFactor, Against: against(j, all, now)}
	raised := raise(j.TwoFactor, a.Kind)
	if raised == j.TwoFactor && is.Against == "" {
		return j // it says no more than the sign-in does
	}
	if keeps(before, is, now) {
		is = before
	}
	j.TwoFactor, j.Attested = raised, is
	return j
}

// AttestAsBefore is [Attest] where the attestations cannot be read: what was attested last holds as long as it would.
func AttestAsBefore(j audit.Judgement, before audit.Attested, now time.Time) audit.Judgement {
	if before.Kind == "" {
		return Attest(j, nil, before, now)
	}
	all := []audit.Attestation{{Kind: before.Kind, Value: true, SeenAt: before.SeenAt, ExpiresAt: before.ExpiresAt}}
	if no := audit.AttestationKind(before.Against); slices.Contains(audit.AttestationKinds[:], no) {
		all = append(all, audit.Attestation{Kind: no, SeenAt: before.SeenAt})
	}
	return Attest(j, all, before, now)
}

// keeps reports whether what was attested before goes on to stand for what is attested now.
func keeps(before, is audit.Attested, now time.Time) bool {
	return before.Kind == is.Kind && before.From == is.From && before.Against == is.Against &&
		!is.SeenAt.Before(before.SeenAt) && is.SeenAt.Sub(before.SeenAt) < attestedAnew &&
		current(audit.Attestation{SeenAt: before.SeenAt, ExpiresAt: before.ExpiresAt}, now)
}

// stronger reports whether a says more than b, or the same more lately.
func stronger(a, b audit.Attestation) bool {
	switch x, y := a.Kind == audit.CustomerStatement, b.Kind == audit.CustomerStatement; {
	case x != y:
		return y
	case !a.SeenAt.Equal(b.SeenAt):
		return a.SeenAt.After(b.SeenAt)
	}
	return slices.Index(audit.AttestationKinds[:], a.Kind) < slices.Index(audit.AttestationKinds[:], b.Kind)
}

func raise(t providers.TwoFactor, by audit.AttestationKind) providers.TwoFactor {
	switch {
	case t != providers.TwoFactorUnknown && t != providers.TwoFactorLikely:
		return t
	case by != audit.CustomerStatement:
		return providers.TwoFactorShown
	}
	return providers.TwoFactorLikely
}

// against is what speaks against an attestation that holds: that the sign-in went by one factor alone, or that another one
// says no. That two-step verification is not enforced says nothing of who has enrolled.
func against(j audit.Judgement, all []audit.Attestation, now time.Time) string {
	switch {
	case j.TwoFactor == providers.TwoFactorAbsent:
		return string(providers.TwoFactorAbsent)
	case j.Verdict == audit.SingleFactor:
		return string(audit.SingleFactor)
	}
	for _, kind := range audit.AttestationKinds {
		for _, a := range all {
			if a.Kind == kind && kind != audit.GoogleEnforced && !a.Value && current(a, now) {
				return string(kind)
			}
		}
	}
	return ""
}
