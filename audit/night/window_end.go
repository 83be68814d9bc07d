package night

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
)

// windowEndStore is what this file needs of the store. The contracts are in package audit.
type windowEndStore interface {
	Blame(err error) (b audit.Blame, code string)
	Plan(ctx context.Context, key, from, to string, batches []audit.Batch, accounts int, last bool) error
	OpenBatches(ctx context.Context, key string) ([]audit.Batch, error)
	LoadBatch(ctx context.Context, key string, n int) (b audit.Batch, done bool, err error)
	CloseBatch(ctx context.Context, key string, n int, retry *audit.Batch) error
	Record(ctx context.Context, key string, results []audit.Recorded) error
}

// A run's window ends it: whatever was not reached is unverified, also where the source cannot be read.

// closeOpen gives every account that the window did not reach its word: not reached.
func (a *Auditor) closeOpen(ctx context.Context, run audit.Run, until time.Time) (more bool, err error) {
	if run.Phase == audit.PhasePlanning {
		if more, err := a.planRest(ctx, run, until); more || err != nil {
			return more, err
		}
	}
	open, err := a.Ledger.OpenBatches(ctx, run.Key)
	if err != nil {
		return false, err
	}
	for _, b := range open {
		if time.Now().After(until) {
			return true, nil
		}
		if err := a.closeBatch(ctx, run, b.N); err != nil {
			return false, err
		}
	}
	return false, nil
}

// planRest plans what the window left unplanned, so that it is counted. A source that cannot be read to its end ends
// the plan: nobody has left it then.
func (a *Auditor) planRest(ctx context.Context, run audit.Run, until time.Time) (more bool, err error) {
	planned, err := a.planAll(ctx, run.Key, ask.NewLogins(), until)
	if !errors.Is(err, aside.ErrSource) {
		return err == nil && planned.Phase == audit.PhasePlanning, err
	}
	if ctx.Err() != nil {
		return false, err
	}
	if err := a.Aside.SetAside(ctx, run, audit.AsidePlan, "", a.Accounts, err); err != nil {
		return false, err
	}
	err = a.Ledger.Plan(ctx, run.Key, planned.PlannedTo, planned.PlannedTo, nil, 0, true)
	if errors.Is(err, audit.ErrMoved) {
		return true, nil
	}
	return false, err
}

// closeBatch closes a batch that the window did not reach. One that cannot be read or closed is set aside.
func (a *Auditor) closeBatch(ctx context.Context, run audit.Run, n int) error {
	batch, done, err := a.Ledger.LoadBatch(ctx, run.Key, n)
	if err == nil && !done {
		if batch.Try == 1 { // a second try that was not reached leaves the first one's word
			err = a.recordUnreached(ctx, run, batch)
		}
		if err == nil {
			err = a.Ledger.CloseBatch(ctx, run.Key, n, nil)
		}
	}
	if err == nil || !a.Aside.Spares(ctx, run, a.Ledger)(err) {
		return err
	}
	return a.setBatchAside(ctx, run, n, err)
}

// recordUnreached records the accounts of a batch that have no result yet.
func (a *Auditor) recordUnreached(ctx context.Context, run audit.Run, batch audit.Batch) error {
	states, _, err := a.Aside.ReadStates(ctx, run, batch.IDs)
	if err != nil {
		return err
	}
	var open []string
	for _, id := range batch.IDs {
		if states[id].Tonight == nil {
			open = append(open, id)
		}
	}
	accounts, unread, err := a.Aside.ReadAccounts(ctx, run, open)
	if err != nil {
		return err
	}
	var results []audit.Recorded
	for _, id := range open {
		acc, there := accounts[id]
		switch {
		case there:
			c := ask.Candidate{Account: acc}
			if target, err := a.Ask.Resolve(ctx, acc); err == nil {
				c.Target = target
			}
			w := a.newBatchWork(run, batch)
			results = append(results, audit.Recorded{Result: w.Unverified(c, "not reached")})
		case unread[id] != nil:
			results = append(results, audit.Recorded{Result: unreadResult(run, batch, states[id], id, "not reached, and its row in the source cannot be read")})
		}
	}
	return a.recordApart(ctx, run, results)
}

// unreadResult is the result of an account of a batch whose row cannot be read.
func unreadResult(run audit.Run, batch audit.Batch, st audit.State, id, why string) audit.Result {
	st.AccountID = id
	r := unreached(run, st, why)
	r.Provider, r.Try = batch.Provider, batch.Try
	return r
}

// recordApart records results. One that cannot be stored is set aside: the conclusion notes its account.
func (a *Auditor) recordApart(ctx context.Context, run audit.Run, results []audit.Recorded) error {
	return aside.Apart(results, a.Aside.Spares(ctx, run, a.Ledger), func(some []audit.Recorded) error {
		return a.Ledger.Record(ctx, run.Key, some)
	}, func(r audit.Recorded, err error) error {
		return a.Aside.SetAside(ctx, run, audit.AsideResult, r.AccountID, a.Ledger, err)
	})
}

// setBatchAside has the run go on without a batch, in this process at once; another one finds out for itself.
func (a *Auditor) setBatchAside(ctx context.Context, run audit.Run, n int, cause error) error {
	a.batches.setAside(run.Key, n)
	return a.Aside.SetAside(ctx, run, audit.AsideBatch, strconv.Itoa(n), a.Ledger, cause)
}

// batchesAside are the batches that this process has set aside.
type batchesAside struct {
	mu  sync.Mutex
	all map[string]map[int]bool // by run
}

func (b *batchesAside) setAside(key string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]map[int]bool{}
	}
	if b.all[key] == nil {
		b.all[key] = map[int]bool{}
	}
	b.all[key][n] = true
}

// left returns the batches that were not set aside.
func (b *batchesAside) left(key string, batches []audit.Batch) []audit.Batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(batches, func(batch audit.Batch) bool { return b.all[key][batch.N] })
}

func (b *batchesAside) any(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all[key]) > 0
}
