package decide

import (
	"time"

	"mailaudit/audit"
)

// seenAt is when the provider last gave the verdict that r settles: a carried result is no answer, and neither is
// one that a guard holds until a person or a later run has confirmed it. Zero where no moment is known, and where
// nothing fails.
func seenAt(before audit.State, r audit.Result) time.Time {
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
