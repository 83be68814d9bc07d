// Package aside lets a run go on without what it cannot read or write: an account, a mail, a hold, a batch. It tries
// with all at once, then with halves, down to the single one that fails, notes that one with the run, and goes on.
//
// It decides nothing about accounts and mails. Who calls it says what becomes of them without the missing part.
package aside

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mailaudit/audit"
)

// Keeper reads for a run, and sets aside what cannot be read or written.
type Keeper struct {
	Accounts audit.Accounts
	Ledger   Ledger
	Now      func() time.Time
	Log      *slog.Logger

	away awayMemory
}

// keeperStore is what this file needs of the store. The contracts are in package audit.
type keeperStore interface {
	Blame(err error) (b audit.Blame, code string)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
}

// unsaidAtMost bounds the errors that do not say what they are about and are taken for an item's: each may have
// cost a timeout, and so many are no single item's.
const unsaidAtMost = 40

// Spares reports whether the run can go on without what an error is about. Before its window's end it waits for
// what may pass; afterwards for the database alone.
func (k *Keeper) Spares(ctx context.Context, run audit.Run, of audit.Blaming) func(error) bool {
	unsaid := 0
	return func(err error) bool {
		if ctx.Err() != nil {
			return false
		}
		switch b, _ := of.Blame(err); b {
		case audit.BlameRow:
			return true
		case audit.BlameUnknown:
			unsaid++
			return k.overdue(run) && unsaid <= unsaidAtMost
		}
		return false
	}
}

// overdue reports whether the run's window has ended.
func (k *Keeper) overdue(run audit.Run) bool {
	return !run.Deadline.IsZero() && !k.Now().Before(run.Deadline)
}

// SetAside notes that the run goes on without something. id is an account's, a notice's number, a provider, or "".
func (k *Keeper) SetAside(ctx context.Context, run audit.Run, kind audit.AsideKind, id string, of audit.Blaming, err error) error {
	_, code := of.Blame(err)
	attrs := []any{"run", run.Key, "what", string(kind), "id", id, "err", err}
	if broke := (*audit.BrokenOff)(nil); errors.As(err, &broke) {
		attrs = append(attrs, "stack", string(broke.Stack))
	}
	k.Log.Error("set aside, the run goes on", attrs...)
	_, err = k.Ledger.KeepFact(context.WithoutCancel(ctx), run.Key, audit.AsideFact+string(kind)+"/"+id, code)
	if err != nil && k.Spares(ctx, run, k.Ledger)(err) {
		k.Log.Error("not noted what was set aside", "run", run.Key, "err", err)
		return nil
	}
	return err
}
