package audit

import (
	"context"
	"errors"
	"strings"
	"time"
)

// HoldState is where a hold stands. A hold never sends and never lapses by itself.
type HoldState string

const (
	HoldOpen      HoldState = "open"
	HoldReleased  HoldState = "released"
	HoldDiscarded HoldState = "discarded"
	HoldEnded     HoldState = "ended" // everyone in it was accepted again
)

// Hold is a provider's notices that a guard keeps back until a person decides. While it is open the
// provider's new findings join it.
type Hold struct {
	RunKey    string // the run whose guard opened it
	Provider  string
	Why       string
	State     HoldState
	OpenedAt  time.Time
	DecidedAt time.Time
	DecidedBy string
	Notices   int // that wait in it
}

// ErrNoHold: there is no open hold of that run and provider.
var ErrNoHold = errors.New("no open hold")

// Joined reports whether a finding of the hold's provider began while the decided hold was open.
func (h Hold) Joined(since time.Time) bool {
	return !since.Before(h.OpenedAt) && !since.After(h.DecidedAt)
}

const DecidedFact = "decided/"

// Decisions returns by provider what was decided on the holds that a run opened.
func Decisions(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) (map[string]string, error) {
	noted, err := facts.Facts(ctx, key, DecidedFact)
	decided := map[string]string{}
	for name, text := range noted {
		decided[strings.TrimPrefix(name, DecidedFact)] = text
	}
	return decided, err
}
