package audit

import (
	"time"

	"mailaudit/providers"
)

// Reading is what the product may show of an account. A failing verdict that no notice could tell of reads as unverified.
type Reading struct {
	AccountID string
	TenantID  string
	Provider  string
	Verdict   Verdict
	TwoFactor providers.TwoFactor
	Since     time.Time // zero while nothing can be said
	Notice    int64     // the first notice of the open finding; 0 where its customer knows of none
	ToldAt    time.Time // when the last one was sent
	Shadow    bool      // the verdict is failing, and nothing is mailed since notices.mode is shadow
}
