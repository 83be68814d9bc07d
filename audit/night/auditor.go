// Package night is one run of the audit, from plan to conclusion: it cuts the accounts into batches, looks at our own
// side, asks the canaries, verifies batch after batch, has the guards rule, settles and counts. Each step may be cut off
// at any moment and begun again, here or in another process: what it has stored it does not do twice.
//
// It knows the packages ask and outbox and uses both. It must never mail anybody itself, and nothing but the command and
// the wiring of the queue imports it.
package night

import (
	"context"
	"log/slog"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/outbox"
	"mailaudit/audit/persist"
)

// Auditor has the steps of a run.
type Auditor struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Aside    *aside.Keeper
	Ask      *ask.Asker
	Outbox   *outbox.Outbox
	Heard    *persist.Writer // writes what was heard; nil tries once

	// Pacing remembers what a provider bears from one night to the next. May be nil.
	Pacing Pacing
	// Clocks are others' clocks that this machine's is compared with before a night.
	Clocks []Clock

	Policy audit.Policy
	Now    func() time.Time
	Log    *slog.Logger
	// Draining, once closed, ends the asking: accounts under way get their word, the rest waits for the next
	// start. May be nil.
	Draining <-chan struct{}
	// Title is a provider's name for people, by its key. May be nil.
	Title func(provider string) string
	// Observe is told of each result; it must not block. May be nil.
	Observe func(audit.Result)

	paces   capacityMemory
	batches batchesAside
	inHand  batchesInHand
}

// Clock is another's clock.
type Clock struct {
	Whose string
	// Skew tells how far this machine's clock is ahead of it.
	Skew func(ctx context.Context) (time.Duration, error)
}
