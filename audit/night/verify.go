package night

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
)

// batchWork is one turn at one batch.
type batchWork struct {
	*Auditor
	*ask.Round

	todo   []audit.Account
	again  []string // accounts that a second try may help
	known  *heard   // what this process has heard of the batch
	had    []string // accounts that had their result when the turn began
	behind bool     // an earlier run is still open, and may yet settle what this one compares with
}

func (a *Auditor) newBatchWork(run audit.Run, batch audit.Batch) *batchWork {
	return &batchWork{Auditor: a, Round: &ask.Round{Asker: a.Ask, Run: run, Batch: batch}}
}

// verifyStore is what this file needs of the store. The contracts are in package audit.
type verifyStore interface {
	Blame(err error) (b audit.Blame, code string)
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	Beat(ctx context.Context, key string, now time.Time) error
	LoadBatch(ctx context.Context, key string, n int) (b audit.Batch, done bool, err error)
	CloseBatch(ctx context.Context, key string, n int, retry *audit.Batch) error
}

// Verify asks the accounts of a batch that have no result yet. more tells that it has used up its turn and
// accounts remain.
func (a *Auditor) Verify(ctx context.Context, key string, n int) (more bool, err error) {
	known, free := a.inHand.take(key, n)
	if !free {
		return false, nil // an earlier turn in this process has answers that are not written yet
	}
	closed := false
	defer func() { a.inHand.leave(key, n, closed) }()
	if err := a.Heard.Clear(ctx); err != nil {
		return false, err
	}
	run, err := a.Ledger.LoadRun(ctx, key)
	if err != nil {
		return false, err
	}
	batch, done, err := a.Ledger.LoadBatch(ctx, key, n)
	if err != nil && a.Aside.Spares(ctx, run, a.Ledger)(err) {
		return false, a.setBatchAside(ctx, run, n, err)
	}
	if err != nil || done || !run.Open() || run.Phase == audit.PhaseConcluding {
		return false, err
	}
	if err := a.Ledger.Beat(ctx, key, a.Now()); err != nil {
		return false, err
	}
	w := a.newBatchWork(run, batch)
	w.known = known
	if _, err := w.restore(ctx); err != nil {
		return false, err
	}
	if err := w.load(ctx); err != nil {
		return false, err
	}
	a.recallCapacity(ctx, run, batch.Provider)
	left, err := w.ask(ctx)
	a.saveCapacity(ctx, run, batch.Provider)
	if err != nil {
		return false, err
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if left > 0 {
		return true, nil
	}
	if lost, err := w.restore(ctx); lost || err != nil {
		return lost, err // the next turn asks those whose answers nobody knows any more
	}
	again := w.secondTry(a.Now())
	err = a.Heard.Write(ctx, "the end of a batch", func(ctx context.Context) error { return a.Ledger.CloseBatch(ctx, key, n, again) })
	closed = err == nil
	if err != nil && a.Aside.Spares(ctx, run, a.Ledger)(err) {
		return false, a.setBatchAside(ctx, run, n, err)
	}
	return false, err
}

// load reads what the batch's accounts are asked with. Those that cannot be read are unverified, and are not asked.
func (w *batchWork) load(ctx context.Context) error {
	states, unstated, err := w.Auditor.Aside.ReadStates(ctx, w.Run, w.Batch.IDs)
	if err != nil {
		return err
	}
	w.States = states
	var todo []string
	for _, id := range w.Batch.IDs {
		t := states[id].Tonight
		if t == nil || t.RunKey != w.Run.Key || t.Try < w.Batch.Try {
			todo = append(todo, id)
			continue
		}
		w.had = append(w.had, id)
		if t.Retry {
			w.again = append(w.again, id)
		}
	}
	accounts, unread, err := w.Aside.ReadAccounts(ctx, w.Run, todo)
	if err != nil {
		return err
	}
	if err := w.LoadDuplicates(ctx); err != nil {
		return err
	}
	if w.Held, err = w.Outbox.IsHeld(ctx, w.Batch.Provider); err != nil {
		return err
	}
	if w.behind, err = w.earlierOpen(ctx, w.Run); err != nil {
		return err
	}
	if err := w.WatchClients(ctx); err != nil {
		return err
	}
	var unopened map[string]error
	if w.Sealed, unopened, err = w.Auditor.Aside.ReadSecrets(ctx, w.Run, slices.Sorted(maps.Keys(accounts))); err != nil {
		return err
	}
	if err := w.TakeDry(ctx, slices.Sorted(maps.Keys(accounts))); err != nil {
		return err
	}
	w.LoadAttestations(ctx, slices.Sorted(maps.Keys(accounts)))
	var aside []audit.Recorded
	for _, id := range todo {
		acc, there := accounts[id]
		var why string
		switch {
		case unread[id] != nil:
			why, err = "our own data: its row in the source cannot be read", w.Aside.SetAside(ctx, w.Run, audit.AsideRow, id, w.Accounts, unread[id])
		case unstated[id] != nil:
			why, err = "our own fault: its state cannot be read", w.Aside.SetAside(ctx, w.Run, audit.AsideState, id, w.Ledger, unstated[id])
		case unopened[id] != nil:
			why, err = "our own data: its stored secret cannot be read", w.Aside.SetAside(ctx, w.Run, audit.AsideSecret, id, w.Accounts, unopened[id])
		case there:
			w.todo = append(w.todo, acc)
			continue
		default:
			continue // it has left the source
		}
		if err != nil {
			return err
		}
		r := unreadResult(w.Run, w.Batch, states[id], id, why)
		if there {
			r.TenantID, r.TenantName, r.Address = acc.TenantID, acc.TenantName, acc.Address
		}
		aside = append(aside, audit.Recorded{Result: r})
	}
	return w.recordApart(ctx, w.Run, aside)
}

// earlierOpen reports whether a run that began before this one is not concluded.
func (a *Auditor) earlierOpen(ctx context.Context, run audit.Run) (bool, error) {
	open, err := a.Ledger.ListRuns(ctx, openRuns, true)
	return slices.ContainsFunc(open, func(r audit.Run) bool { return r.Seq < run.Seq }), err
}

// openRuns bounds how many open runs are looked at.
const openRuns = 30

// secondTry is the batch of those whose failure may pass, if the window still holds it.
func (w *batchWork) secondTry(now time.Time) *audit.Batch {
	due := now.Add(w.Policy.RetryAfter)
	if w.Batch.Try > 1 || len(w.again) == 0 || w.Policy.RetryAfter == 0 || !due.Before(w.Run.Deadline) {
		return nil
	}
	return &audit.Batch{Provider: w.Batch.Provider, Try: 2, Doubtful: true, DueAt: due, IDs: w.again}
}

// ask works through the accounts until the turn, the window or ctx ends, and returns how many are left.
// Attempts are reserved only as far ahead as they are soon dialled; what was reserved and not dialled is
// given back.
func (w *batchWork) ask(ctx context.Context) (left int, err error) {
	width := max(1, w.Policy.MaxConcurrency[w.Batch.Provider])
	w.Until = time.Now().Add(verifyTurn)
	group, inner := errgroup.WithContext(ctx)
	ready := make(chan ask.Candidate)
	results := make(chan audit.Result, width)
	rest := w.todo

	group.Go(func() error {
		defer close(ready)
		for len(rest) > 0 && time.Now().Before(w.Until) && w.Now().Before(w.Run.Deadline) && inner.Err() == nil && !w.draining() {
			portion := rest[:min(width, len(rest))]
			candidates, settled, err := w.Prepare(inner, portion)
			if err != nil {
				return err
			}
			rest = rest[len(portion):]
			for _, r := range settled {
				results <- r
			}
			for i, c := range candidates {
				select {
				case ready <- c:
				case <-inner.Done():
					return w.GiveBack(ctx, candidates[i:])
				case <-w.Draining:
					rest = append(accountsOf(candidates[i:]), rest...)
					return w.GiveBack(ctx, candidates[i:])
				}
			}
		}
		return nil
	})
	var asking errgroup.Group
	for range width {
		asking.Go(func() error {
			for c := range ready {
				// What goes wrong elsewhere ends no conversation: its credential has been sent, and its answer counts.
				if r, ok := w.AskSafely(ctx, c); ok {
					results <- r
				} else {
					w.Unanswered.Add(1)
					if err := w.GiveBack(ctx, []ask.Candidate{c}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(results)
		return asking.Wait()
	})
	recorded := w.record(ctx, results)
	err = errors.Join(group.Wait(), recorded)
	return len(rest) + int(w.Unanswered.Load()), err
}

func (w *batchWork) draining() bool {
	select {
	case <-w.Draining:
		return true
	default:
		return false
	}
}

func accountsOf(candidates []ask.Candidate) []audit.Account {
	accounts := make([]audit.Account, len(candidates))
	for i, c := range candidates {
		accounts[i] = c.Account
	}
	return accounts
}

const (
	recordPortion = 100
	// recordInterval also bounds how many accounts are asked before it shows that nothing can be recorded.
	recordInterval = 250 * time.Millisecond
)

// record writes results as they come, also while we are being stopped.
func (w *batchWork) record(ctx context.Context, results <-chan audit.Result) error {
	var held []audit.Recorded
	var failed error
	flush := func() {
		if len(held) == 0 || failed != nil {
			return
		}
		failed = w.recordHeard(ctx, held)
		held = held[:0]
	}
	tick := time.NewTicker(recordInterval)
	defer tick.Stop()
	for {
		select {
		case r, open := <-results:
			if !open {
				flush()
				return failed
			}
			state := w.States[r.AccountID]
			got := audit.Recorded{Result: r, Quiet: w.Run.Scope.Whole() && !w.behind && state.Quiet(r)}
			held = append(held, got)
			w.known.keep(got)
			if r.Retry {
				w.again = append(w.again, r.AccountID)
			}
			if len(held) == recordPortion {
				flush()
			}
			if w.Observe != nil {
				w.Observe(r)
			}
		case <-tick.C:
			flush()
		}
	}
}

// recordHeard is recordApart for what providers have said: it is kept until the database takes it.
func (w *batchWork) recordHeard(ctx context.Context, results []audit.Recorded) error {
	ctx = context.WithoutCancel(ctx)
	return aside.Apart(results, w.Auditor.Aside.Spares(ctx, w.Run, w.Auditor.Ledger), func(some []audit.Recorded) error {
		return w.Auditor.Heard.Write(ctx, "verdicts", func(ctx context.Context) error { return w.Auditor.Ledger.Record(ctx, w.Run.Key, some) })
	}, func(r audit.Recorded, err error) error {
		return w.Auditor.Aside.SetAside(ctx, w.Run, audit.AsideResult, r.AccountID, w.Auditor.Ledger, err)
	})
}
