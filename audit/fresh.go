package audit

import "time"

// evidenceHolds is how old a refusal may be that a mail about it leaves on. What waited longer, for the caps, its
// hour or a person, is re-checked first.
const evidenceHolds = 24 * time.Hour

// Fresh reports whether a mail that tells of the account's failure may leave at now: the provider itself gave the
// verdict at most 24 hours ago. A moment that lies ahead is the mark of a clock that jumped, and no evidence.
func (s State) Fresh(now time.Time) bool {
	age := now.Sub(s.SeenAt)
	return !s.SeenAt.IsZero() && age <= evidenceHolds && age >= -clockSkew
}

// seenAt is when the provider last gave the verdict that r settles: a carried result is no answer, and neither is
// one that a guard holds until a person or a later run has confirmed it. Zero where no moment is known, and where
// nothing fails.
func seenAt(before State, r Result) time.Time {
	switch {
	case !r.Verdict.Failing():
		return time.Time{}
	case !r.Carried && !r.Held:
		return r.At
	case before.Settled.Verdict == r.Verdict:
		return before.SeenAt
	}
	return time.Time{}
}
