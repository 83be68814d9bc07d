package audit

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ReadAccounts reads accounts by id, and tells of those whose rows cannot be read why. Its error is about the
// database, or a whole query.
func ReadAccounts(ctx context.Context, from Accounts, wanted []string) (found map[string]Account, unread map[string]error, err error) {
	return readAccounts(ctx, from, wanted, func(err error) bool {
		b, _ := from.Blame(err)
		return b == BlameRow && ctx.Err() == nil
	})
}

func readAccounts(ctx context.Context, from Accounts, wanted []string, spare func(error) bool) (map[string]Account, map[string]error, error) {
	return gather(wanted, spare, func(some []string) (map[string]Account, error) {
		all, err := from.AccountsByID(ctx, some)
		accounts := make(map[string]Account, len(all))
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

// accounts reads accounts for a run. Before the window's end it waits for a source that is away; afterwards all of
// its accounts are unread.
func (a *Auditor) accounts(ctx context.Context, run Run, wanted []string) (map[string]Account, map[string]error, error) {
	return fromSource(ctx, a, run, wanted, func(spare func(error) bool) (map[string]Account, map[string]error, error) {
		return readAccounts(ctx, a.Accounts, wanted, spare)
	})
}

// sealed reads stored secrets in the same way.
func (a *Auditor) sealed(ctx context.Context, run Run, wanted []string) (map[string][]byte, map[string]error, error) {
	return fromSource(ctx, a, run, wanted, func(spare func(error) bool) (map[string][]byte, map[string]error, error) {
		return gather(wanted, spare, func(some []string) (map[string][]byte, error) { return a.Accounts.SealedSecrets(ctx, some) })
	})
}

func fromSource[V any](ctx context.Context, a *Auditor, run Run, wanted []string,
	read func(spare func(error) bool) (map[string]V, map[string]error, error)) (found map[string]V, unread map[string]error, err error) {
	if err = a.away.lately(); err == nil || !a.overdue(run) {
		found, unread, err = read(a.spares(ctx, run, a.Accounts))
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

// setRowsAside has the run go on without accounts whose rows cannot be read, in the order of all.
func (a *Auditor) setRowsAside(ctx context.Context, run Run, all []string, unread map[string]error) error {
	for _, id := range all {
		if why := unread[id]; why != nil {
			if err := a.setAside(ctx, run, AsideRow, id, a.Accounts, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// states reads states by id for a run, with its own results alone, and tells of those that cannot be read why.
func (a *Auditor) states(ctx context.Context, run Run, wanted []string) (map[string]State, map[string]error, error) {
	return gather(wanted, a.spares(ctx, run, a.Ledger), func(some []string) (map[string]State, error) {
		return a.Ledger.LoadStatesIn(ctx, run.Key, some)
	})
}

// accountsAfter reads a page of accounts in the source's order. Those whose rows cannot be read are there with their
// ids alone, and unread.
func (a *Auditor) accountsAfter(ctx context.Context, run Run, after string, limit int) (page []Account, unread map[string]error, err error) {
	page, err = a.Accounts.AccountsAfter(ctx, after, limit, run.Scope.Tenant)
	if err == nil || !a.spares(ctx, run, a.Accounts)(err) {
		return page, nil, asSource(err)
	}
	wanted, err := a.Accounts.AccountIDsAfter(ctx, after, limit, run.Scope.Tenant)
	if err != nil {
		return nil, nil, asSource(err)
	}
	found, unread, err := a.accounts(ctx, run, wanted)
	for _, id := range wanted {
		if acc, ok := found[id]; ok {
			page = append(page, acc)
		} else if unread[id] != nil {
			page = append(page, Account{ID: id})
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
