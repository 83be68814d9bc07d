package audit

import (
	"time"

	"mailaudit/providers"
)

// CheckState is where a check stands that the product asked for.
type CheckState string

const (
	CheckAsking CheckState = "asking"
	CheckDone   CheckState = "done"
	CheckWaits  CheckState = "waits"  // the day's attempts are used up until RetryAt
	CheckFailed CheckState = "failed" // our own fault, or the process ended: it may be asked for again
)

// ProductCheck is the last check of an account that the product asked for. It says no more of a secret than the verdict.
type ProductCheck struct {
	ID        string
	AccountID string
	TenantID  string
	At        time.Time
	State     CheckState
	Verdict   Verdict // "" unless it is done
	TwoFactor providers.TwoFactor
	Certainty providers.Certainty
	RetryAt   time.Time // zero unless it waits
}
