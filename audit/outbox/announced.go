package outbox

import (
	"context"
	"slices"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// announcedStore is what this file needs of the store. The contracts are in package audit.
type announcedStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Findings(ctx context.Context, run audit.Run, each func(audit.Finding) error) error
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// announced tells of the run's new failures at a provider which are a change that it has announced for these days;
// false if it has announced none, or if none are.
func (o *Outbox) announced(ctx context.Context, run audit.Run, provider string) (a audit.Announced, ok bool, err error) {
	change, near := decide.Announced(o.Policy.Changes, provider, run.StartedAt)
	if !near {
		return a, false, nil
	}
	var failing []string
	err = o.Ledger.Findings(ctx, run, func(f audit.Finding) error {
		if f.Provider == provider && f.Verdict.Failing() && !f.Previous.Failing() {
			failing = append(failing, f.AccountID)
		}
		return nil
	})
	if err != nil {
		return a, false, err
	}
	a = audit.Announced{ID: change.ID, Title: change.Title, All: len(failing)}
	a.Of, err = o.countAnnounced(ctx, change, failing)
	return a, a.Of > 0, err
}

func (o *Outbox) countAnnounced(ctx context.Context, c providers.Change, ids []string) (n int, err error) {
	for page := range slices.Chunk(ids, settlePage) {
		states, err := o.Ledger.LoadStates(ctx, page)
		if err != nil {
			return 0, err
		}
		for _, st := range states {
			if decide.IsAnnounced(c, st) {
				n++
			}
		}
	}
	return n, nil
}
