package years

import (
	"context"
	"errors"

	"mailaudit/audit"
)

// A method more or less in [audit.Store] wants this: go generate ./cmd/mailaudit/years.
//
//go:generate go run ./gate

// Store is the world's database as one process sees it.
type Store struct {
	p     *Process
	under audit.Store
}

var _ audit.Store = (*Store)(nil)

// Migrate does nothing: the world's database has its tables.
func (s *Store) Migrate(context.Context) error { return nil }

// Blame says of the world's own errors that the database is away, as it would of a line that has gone dead.
func (s *Store) Blame(err error) (audit.Blame, string) {
	if errors.Is(err, errAway) || errors.Is(err, errSource) || errors.Is(err, errKilled) {
		return audit.BlameAway, ""
	}
	return s.under.Blame(err)
}

// Close does nothing: others share the database.
func (s *Store) Close() error { return nil }
