package night

import (
	"context"
	"errors"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// expiryStore is what this file needs of the store. The contracts are in package audit.
type expiryStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
}

// warnOfExpiries notes with a run which of our client secrets end soon.
func (a *Auditor) warnOfExpiries(ctx context.Context, run audit.Run) error {
	if len(a.Policy.OAuthClients) == 0 {
		return nil
	}
	before, err := a.Ledger.ConcludedBefore(ctx, run.Seq)
	if err != nil && !errors.Is(err, audit.ErrNoRun) {
		return err
	}
	for _, e := range a.Policy.OAuthClients {
		if t, due := decide.ExpiryWarning(e, before.StartedAt, run.StartedAt); due {
			if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, t); err != nil {
				return err
			}
		}
	}
	return nil
}
