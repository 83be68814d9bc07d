package app

import (
	"context"
	"sync"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/cmd/mailaudit/config"
)

// attestations read what the product attests of accounts: from the database of the accounts, where that is PostgreSQL,
// else from the program's own file. They are opened when they are first used.
type attestations struct {
	open func(ctx context.Context) (attestationTable, error)

	mu    sync.Mutex
	table attestationTable // nil until it is open
}

// attestor is what the night and doctor read.
type attestor interface {
	Attestations(ctx context.Context, accountIDs []string) (audit.Attestations, error)
	Count(ctx context.Context) (int, error) // of the rows
}

// attestationTable is a table or view of either database.
type attestationTable interface {
	attestor
	Close()
}

// newAttestor is nil where attestations names nothing.
func newAttestor(c *config.Config, store Storage) *attestations {
	if c.Attestations == "" {
		return nil
	}
	from := c.Accounts.Database
	if from.Kind == "" {
		from = c.Database
	}
	if own, ok := store.(SqliteStorage); ok && from.Kind == config.SQLite {
		return &attestations{open: func(context.Context) (attestationTable, error) { return own.AttestationsIn(c.Attestations), nil }}
	}
	return &attestations{open: func(ctx context.Context) (attestationTable, error) {
		return postgres.OpenAttestations(ctx, from.URL.Reveal(), c.Attestations, postgres.Options{Pooler: c.DatabasePooler == "transaction"})
	}}
}

func (a *attestations) ready(ctx context.Context) (attestationTable, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.table != nil {
		return a.table, nil
	}
	table, err := a.open(ctx)
	if err == nil {
		a.table = table
	}
	return table, err
}

func (a *attestations) Attestations(ctx context.Context, accountIDs []string) (audit.Attestations, error) {
	table, err := a.ready(ctx)
	if err != nil {
		return audit.Attestations{}, err
	}
	return table.Attestations(ctx, accountIDs)
}

func (a *attestations) Count(ctx context.Context) (int, error) {
	table, err := a.ready(ctx)
	if err != nil {
		return 0, err
	}
	return table.Count(ctx)
}

func (a *attestations) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.table != nil {
		a.table.Close()
	}
	return nil
}
