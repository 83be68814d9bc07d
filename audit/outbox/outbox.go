// Package outbox decides who may be mailed now, and why not: hours, caps, the kill switch, snoozes, bounces, the pilot,
// holds. It turns what a run drafted into queued, held, shadowed or suppressed notices, and keeps the holds.
//
// It reads and writes notices and holds. It must never ask a provider, and it sends nothing: package report/notice sends
// what this one lets go.
package outbox

import (
	"strings"
	"sync"
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

	written sync.Map // ids of events of holds and runs that this process knows to be written
}

// address notes by what the day's caps count a notice.
func (o *Outbox) address(n *audit.Notice) {
	n.Recipient, n.Domain = audit.Recipient(n.ContactEmail), o.domainOf(*n)
}

// domainOf is the contact's mail domain, "" where it is a public one.
func (o *Outbox) domainOf(n audit.Notice) string {
	recipient := audit.Recipient(n.ContactEmail)
	domain := recipient[strings.LastIndexByte(recipient, '@')+1:]
	if o.Policy.PublicDomain != nil && o.Policy.PublicDomain(domain) {
		return ""
	}
	return domain
}
