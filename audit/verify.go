package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/providers"
)

// Verify asks the accounts of a batch that have no result yet. more tells that it has used up its turn and
// accounts remain.
func (a *Auditor) Verify(ctx context.Context, key string, n int) (more bool, err error) {
	run, err := a.Ledger.LoadRun(ctx, key)
	if err != nil {
		return false, err
	}
	batch, done, err := a.Ledger.LoadBatch(ctx, key, n)
	if err != nil && a.spares(ctx, run, a.Ledger)(err) {
		return false, a.setBatchAside(ctx, run, n, err)
	}
	if err != nil || done || !run.Open() || run.Phase == PhaseConcluding {
		return false, err
	}
	if err := a.Ledger.Beat(ctx, key, a.Now()); err != nil {
		return false, err
	}
	w := a.newBatchWork(run, batch)
	if err := w.load(ctx); err != nil {
		return false, err
	}
	a.recallPace(ctx, run, batch.Provider)
	left, err := w.ask(ctx)
	a.notePace(ctx, run, batch.Provider)
	if err != nil {
		return false, err
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if left > 0 {
		return true, nil
	}
	err = a.Ledger.CloseBatch(ctx, key, n, w.secondTry(a.Now()))
	if err != nil && a.spares(ctx, run, a.Ledger)(err) {
		return false, a.setBatchAside(ctx, run, n, err)
	}
	return false, err
}

// batchWork is one turn at one batch.
type batchWork struct {
	*Auditor
	run   Run
	batch Batch

	todo   []Account
	states map[string]State
	sealed map[string][]byte // by account
	held   bool              // a person is to decide on the provider's findings
	behind bool              // an earlier run is still open, and may yet settle what this one compares with
	again  []string          // accounts that a second try may help
	until  time.Time         // the turn's end

	twins      twins        // logins that several accounts share
	unanswered atomic.Int64 // accounts that were taken up and came to no result
	once       sync.Map     // troubles noted in this turn
	clients    clientWatch
}

func (a *Auditor) newBatchWork(run Run, batch Batch) *batchWork {
	return &batchWork{Auditor: a, run: run, batch: batch}
}

// load reads what the batch's accounts are asked with. Those that cannot be read are unverified, and are not asked.
func (w *batchWork) load(ctx context.Context) error {
	states, unstated, err := w.Auditor.states(ctx, w.run, w.batch.IDs)
	if err != nil {
		return err
	}
	w.states = states
	var todo []string
	for _, id := range w.batch.IDs {
		t := states[id].Tonight
		if t == nil || t.RunKey != w.run.Key || t.Try < w.batch.Try {
			todo = append(todo, id)
			continue
		}
		if t.Retry {
			w.again = append(w.again, id)
		}
	}
	accounts, unread, err := w.accounts(ctx, w.run, todo)
	if err != nil {
		return err
	}
	if err := w.loadTwins(ctx); err != nil {
		return err
	}
	if w.held, err = w.isHeld(ctx, w.batch.Provider); err != nil {
		return err
	}
	if w.behind, err = w.earlierOpen(ctx, w.run); err != nil {
		return err
	}
	if err := w.watchClients(ctx); err != nil {
		return err
	}
	var unopened map[string]error
	if w.sealed, unopened, err = w.Auditor.sealed(ctx, w.run, slices.Sorted(maps.Keys(accounts))); err != nil {
		return err
	}
	var aside []Recorded
	for _, id := range todo {
		acc, there := accounts[id]
		var why string
		switch {
		case unread[id] != nil:
			why, err = "our own data: its row in the source cannot be read", w.setAside(ctx, w.run, AsideRow, id, w.Accounts, unread[id])
		case unstated[id] != nil:
			why, err = "our own fault: its state cannot be read", w.setAside(ctx, w.run, AsideState, id, w.Ledger, unstated[id])
		case unopened[id] != nil:
			why, err = "our own data: its stored secret cannot be read", w.setAside(ctx, w.run, AsideSecret, id, w.Accounts, unopened[id])
		case there:
			w.todo = append(w.todo, acc)
			continue
		default:
			continue // it has left the source
		}
		if err != nil {
			return err
		}
		r := unreadResult(w.run, w.batch, states[id], id, why)
		if there {
			r.TenantID, r.TenantName, r.Address = acc.TenantID, acc.TenantName, acc.Address
		}
		aside = append(aside, Recorded{Result: r})
	}
	return w.recordApart(ctx, w.run, aside)
}

// earlierOpen reports whether a run that began before this one is not concluded.
func (a *Auditor) earlierOpen(ctx context.Context, run Run) (bool, error) {
	open, err := a.Ledger.ListRuns(ctx, openRuns, true)
	return slices.ContainsFunc(open, func(r Run) bool { return r.Seq < run.Seq }), err
}

// openRuns bounds how many open runs are looked at.
const openRuns = 30

// secondTry is the batch of those whose failure may pass, if the window still holds it.
func (w *batchWork) secondTry(now time.Time) *Batch {
	due := now.Add(w.Policy.RetryAfter)
	if w.batch.Try > 1 || len(w.again) == 0 || w.Policy.RetryAfter == 0 || !due.Before(w.run.Deadline) {
		return nil
	}
	return &Batch{Provider: w.batch.Provider, Try: 2, Doubtful: true, DueAt: due, IDs: w.again}
}

// candidate is an account ready to be asked, its attempt reserved.
type candidate struct {
	account Account
	target  Target
	secret  providers.Secret
	key     AttemptKey
	print   string
	day     string
	grant   *grantCase // of an account that signs in by OAuth
}

// ask works through the accounts until the turn, the window or ctx ends, and returns how many are left.
// Attempts are reserved only as far ahead as they are soon dialled; what was reserved and not dialled is
// given back.
func (w *batchWork) ask(ctx context.Context) (left int, err error) {
	width := max(1, w.Policy.MaxConcurrency[w.batch.Provider])
	w.until = time.Now().Add(verifyTurn)
	group, inner := errgroup.WithContext(ctx)
	ready := make(chan candidate)
	results := make(chan Result, width)
	rest := w.todo

	group.Go(func() error {
		defer close(ready)
		for len(rest) > 0 && time.Now().Before(w.until) && w.Now().Before(w.run.Deadline) && inner.Err() == nil && !w.draining() {
			portion := rest[:min(width, len(rest))]
			candidates, settled, err := w.prepare(inner, portion)
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
					return w.giveBack(ctx, candidates[i:])
				case <-w.Draining:
					rest = append(accountsOf(candidates[i:]), rest...)
					return w.giveBack(ctx, candidates[i:])
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
				if r, ok := w.shielded(ctx, c); ok {
					results <- r
				} else {
					w.unanswered.Add(1)
					if err := w.giveBack(ctx, []candidate{c}); err != nil {
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
	// What was learned is recorded even while we are being stopped.
	recorded := w.record(context.WithoutCancel(ctx), results)
	err = errors.Join(group.Wait(), recorded)
	return len(rest) + int(w.unanswered.Load()), err
}

// shielded holds a conversation so that what breaks at one account, a bug met by a strange reply, ends
// neither the process nor the night: the next start would meet it again. The attempt stays used.
func (w *batchWork) shielded(ctx context.Context, c candidate) (r Result, ok bool) {
	defer func() {
		broke := recover()
		if broke == nil {
			return
		}
		// The value may hold anything, also what must not be logged; the stack tells where.
		w.Log.Error("conversation broke off", "account", c.account.ID, "panic", fmt.Sprintf("%T", broke), "stack", string(debug.Stack()))
		w.trouble(ctx, Trouble{What: "the check of an account broke off by a fault of the program", Mend: "send its log line to the maintainers; the account is unverified"})
		r, ok = w.unverified(c, "our own fault: the check broke off"), true
	}()
	return w.converse(ctx, c)
}

func (w *batchWork) draining() bool {
	select {
	case <-w.Draining:
		return true
	default:
		return false
	}
}

func accountsOf(candidates []candidate) []Account {
	accounts := make([]Account, len(candidates))
	for i, c := range candidates {
		accounts[i] = c.account
	}
	return accounts
}

func (w *batchWork) giveBack(ctx context.Context, unused []candidate) error {
	for _, c := range unused {
		if err := w.Ledger.GiveBack(context.WithoutCancel(ctx), c.day, []AttemptKey{c.key}); err != nil {
			return err
		}
	}
	return nil
}

const (
	recordPortion  = 100
	recordInterval = time.Second
)

func (w *batchWork) record(ctx context.Context, results <-chan Result) error {
	var held []Recorded
	var failed error
	flush := func() {
		if len(held) == 0 || failed != nil {
			return
		}
		failed = w.recordApart(ctx, w.run, held)
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
			state := w.states[r.AccountID]
			held = append(held, Recorded{Result: r, Quiet: w.run.Scope.Whole() && !w.behind && state.Quiet(r)})
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
