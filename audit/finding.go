package audit

import (
	"time"

	"mailaudit/providers"
)

// Finding is one account's line in a run's report.
type Finding struct {
	AccountID  string
	TenantID   string
	TenantName string
	Provider   string
	Address    string
	Verdict    Verdict // the run's own, Unverified included
	TwoFactor  providers.TwoFactor
	Certainty  providers.Certainty
	Actor      providers.Actor
	Previous   Verdict // the last one before this run that was not Unverified; "" if there was none
	Since      time.Time
	Reply      string
	Rule       string
	Reason     string
	Wording    string // the normal form of a reply that no rule knows
	Carried    bool
	Notice     NoticeState // of the mail that this run wrote about the account; NoticeNone if it wrote none
}
