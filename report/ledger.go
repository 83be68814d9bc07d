package report

import (
	"context"
	"time"

	"mailaudit/audit"
)

// Ledger is what evidence is made from, and what its nights are sealed in. An [audit.Store] is one.
type Ledger interface {
	Source
	Desk
	// KeepFact notes something of a run under a name, unless the name is taken; it returns what stands.
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	// Actions returns the operators' actions in [from, to), oldest first.
	Actions(ctx context.Context, from, to time.Time) ([]audit.Action, error)
}

var _ Ledger = audit.Store(nil)

// RunsMost bounds how many runs are looked through: more than six years of them.
const RunsMost = 10_000
