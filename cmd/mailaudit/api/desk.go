package api

import (
	"context"
	"errors"
	"time"

	"mailaudit/audit"
)

// Desk is who knows the answers.
type Desk interface {
	// Tenant returns whose account it is; [audit.ErrNoAccount] where none is stored.
	Tenant(ctx context.Context, account string) (string, error)
	// Check asks the account now and returns the check as it stands when it has ended, or when patience has: it goes on then.
	// [audit.ErrNoAccount] where none is stored, ErrBusy where no more can be asked at once.
	Check(ctx context.Context, account string) (Checked, error)
	// Account returns what is known of it; [audit.ErrNoAccount] where none is stored.
	Account(ctx context.Context, account string) (Known, error)
	// Findings returns the tenant's open findings, by account.
	Findings(ctx context.Context, tenant string) ([]audit.Reading, error)
}

// ErrBusy: so many accounts are being asked that this one must wait.
var ErrBusy = errors.New("too many checks at once")

// Checked is a check with what its customer needs next.
type Checked struct {
	audit.ProductCheck
	Notice   int64  // of the open finding; 0 if its customer knows of none
	GuideURL string // the guide for the verdict; "" where none is served
}

// Known is what is known of an account.
type Known struct {
	audit.Reading
	Last audit.ProductCheck // its ID is "" if the product never asked for one
}

// retryAfter is the time from now until a moment, at least a second.
func retryAfter(now, at time.Time) time.Duration { return max(at.Sub(now), time.Second) }
