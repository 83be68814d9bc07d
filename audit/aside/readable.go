package aside

import (
	"context"
	"errors"
	"sync"
	"time"

	"mailaudit/audit"
)

// readableStore is what this file needs of the store. The contracts are in package audit.
type readableStore interface {
	Blame(err error) (b audit.Blame, code string)
	LoadStatesIn(ctx context.Context, key string, ids []string) (map[string]audit.State, error)
}

// ReadAccounts reads accounts by id, and tells of those whose rows cannot be read why. Its error is about the
// database, or a whole query.
func ReadAccounts(ctx context.Context, from audit.Accounts, wanted []string) (found map[string]audit.Account, unread map[string]error, err error) {
	return readAccounts(ctx, from, wanted, func(err error) bool {
		b, _ := from.Blame(err)
		return b == audit.BlameRow && ctx.Err() == nil
	})
}

func readAccounts(ctx context.Context, from audit.Accounts, wanted []string, spare func(error) bool) (map[string]audit.Account, map[string]error, error) {
	return gather(wanted, spare, func(some []string) (map[string]audit.Account, error) {
		all, err := from.AccountsByID(ctx, some)
		accounts := make(map[string]audit.Account, len(all))
		for _, acc := range all {
			accounts[acc.ID] = acc
		}
		return accounts, err
	})
}

// ErrSource: the accounts could not be read. A run waits for them until its window ends.
var ErrSource = errors.New("the source of the accounts cannot be read")

type sourceError struct{ error }

func (e sourceError) Unwrap() error      { return e.error }
func (sourceError) Is(target error) bool { return target == ErrSource }

// sourceAgain is how long a source that was away at a window's end is not asked again: each time may cost a timeout.
const sourceAgain = time.Minute

// ReadAccounts reads accounts for a run. Before the window's end it waits for a source that is away; afterwards all of
// its accounts are unread.
func (k *Keeper) ReadAccounts(ctx context.Context, run audit.Run, wanted []string) (map[string]audit.Account, map[string]error, error) {
	return fromSource(ctx, k, run, wanted, func(spare func(error) bool) (map[string]audit.Account, map[string]error, error) {
		return readAccounts(ctx, k.Accounts, wanted, spare)
	})
}

// ReadSecrets reads stored secrets in the same way.
func (k *Keeper) ReadSecrets(ctx context.Context, run audit.Run, wanted []string) (map[string][]byte, map[string]error, error) {
	return fromSource(ctx, k, run, wanted, func(spare func(error) bool) (map[string][]byte, map[string]error, error) {
		return gather(wanted, spare, func(some []string) (map[string][]byte, error) { return k.Accounts.SealedSecrets(ctx, some) })
	})
}

func fromSource[V any](ctx context.Context, a *Keeper, run audit.Run, wanted []string,
	read func(spare func(error) bool) (map[string]V, map[string]error, error)) (found map[string]V, unread map[string]error, err error) {
	if err = a.away.lately(); err == nil || !a.overdue(run) {
		found, unread, err = read(a.Spares(ctx, run, a.Accounts))
	}
	switch {
	case err == nil:
		return found, unread, nil
	case ctx.Err() != nil || !a.overdue(run):
		return nil, nil, sourceError{err}
	}
	a.away.note(err)
	unread = make(map[string]error, len(wanted))
	for _, id := range wanted {
		unread[id] = err
	}
	return nil, unread, nil
}

// SetRowsAside has the run go on without accounts whose rows cannot be read, in the order of all.
func (k *Keeper) SetRowsAside(ctx context.Context, run audit.Run, all []string, unread map[string]error) error {
	for _, id := range all {
		if why := unread[id]; why != nil {
			if err := k.SetAside(ctx, run, audit.AsideRow, id, k.Accounts, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReadStates reads states by id for a run, with its own results alone, and tells of those that cannot be read why.
func (k *Keeper) ReadStates(ctx context.Context, run audit.Run, wanted []string) (map[string]audit.State, map[string]error, error) {
	return gather(wanted, k.Spares(ctx, run, k.Ledger), func(some []string) (map[string]audit.State, error) {
		return k.Ledger.LoadStatesIn(ctx, run.Key, some)
	})
}

// ReadPage reads a page of accounts in the source's order. Those whose rows cannot be read are there with their
// ids alone, and unread.
func (k *Keeper) ReadPage(ctx context.Context, run audit.Run, after string, limit int) (page []audit.Account, unread map[string]error, err error) {
	page, err = k.Accounts.AccountsAfter(ctx, after, limit, run.Scope.Tenant)
	if err == nil || !k.Spares(ctx, run, k.Accounts)(err) {
		return page, nil, asSource(err)
	}
	wanted, err := k.Accounts.AccountIDsAfter(ctx, after, limit, run.Scope.Tenant)
	if err != nil {
		return nil, nil, asSource(err)
	}
	found, unread, err := k.ReadAccounts(ctx, run, wanted)
	for _, id := range wanted {
		if acc, ok := found[id]; ok {
			page = append(page, acc)
		} else if unread[id] != nil {
			page = append(page, audit.Account{ID: id})
		}
	}
	return page, unread, err
}

func asSource(err error) error {
	if err == nil || errors.Is(err, ErrSource) {
		return err
	}
	return sourceError{err}
}

// awayMemory remembers for a while that the source was away.
type awayMemory struct {
	mu    sync.Mutex
	err   error
	until time.Time
}

func (m *awayMemory) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !time.Now().Before(m.until) {
		m.err, m.until = err, time.Now().Add(sourceAgain)
	}
}

// lately returns why it was away a short time ago; nil if it was not.
func (m *awayMemory) lately() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Now().Before(m.until) {
		return m.err
	}
	return nil
}
