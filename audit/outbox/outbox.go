// Package outbox decides who may be mailed now, and why not: hours, caps, the kill switch, snoozes, bounces, the pilot,
// holds. It turns what a run drafted into queued, held, shadowed or suppressed notices, and keeps the holds.
//
// It reads and writes notices and holds. It must never ask a provider, and it sends nothing: package report/notice sends
// what this one lets go.
package outbox

import (
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
)

// Outbox answers for the notices of one installation.
type Outbox struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Aside    *aside.Keeper
	Policy   audit.Policy
	Now      func() time.Time
}
