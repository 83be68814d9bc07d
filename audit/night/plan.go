package night

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/audit/gate"
)

// planStore is what this file needs of the store. The contracts are in package audit.
type planStore interface {
	LoadRun(ctx context.Context, key string) (audit.Run, error)
	Beat(ctx context.Context, key string, now time.Time) error
	Plan(ctx context.Context, key, from, to string, batches []audit.Batch, accounts int, last bool) error
	Doubtful(ctx context.Context, ids []string) (map[string]bool, error)
}

const (
	planPage  = 2000
	batchSize = 200
	// leastBatch is the smallest into which more are cut, and sharers how many workers are reckoned with at the end.
	leastBatch = 50
	sharers    = 8
	// turn is how long a step works before it hands back, so that a killed process's share is soon taken
	// over by another.
	turn = 45 * time.Second
	// verifyTurn is how long a batch begins conversations; the last of them may take network.timeout longer.
	verifyTurn = 20 * time.Second
)

// Plan pages through the accounts and cuts them into batches of one provider each. more tells that it has
// used up its turn. When all are planned, our own side is looked at before the first account is asked.
func (a *Auditor) Plan(ctx context.Context, key string) (more bool, err error) {
	run, err := a.planAll(ctx, key, ask.NewLogins(), time.Now().Add(turn))
	if err != nil || !run.Open() {
		return false, err
	}
	if run.Phase == audit.PhasePlanning {
		return true, nil
	}
	return false, a.makeReady(ctx, run)
}

// planAll plans page by page until all accounts are planned or the turn is over, and returns the run as it stands then,
// also with an error.
func (a *Auditor) planAll(ctx context.Context, key string, seen *ask.Logins, until time.Time) (audit.Run, error) {
	for {
		run, err := a.Ledger.LoadRun(ctx, key)
		if err != nil || !run.Open() || run.Phase != audit.PhasePlanning || time.Now().After(until) {
			return run, err
		}
		if err := a.Ledger.Beat(ctx, key, a.Now()); err != nil {
			return run, err
		}
		if err := a.planPage(ctx, run, seen); err != nil && !errors.Is(err, audit.ErrMoved) {
			return run, err
		}
	}
}

func (a *Auditor) makeReady(ctx context.Context, run audit.Run) error {
	if ready, err := a.preflighted(ctx, run.Key); ready || err != nil || run.Phase != audit.PhaseVerifying {
		return err
	}
	if err := a.askCanaries(ctx, run, "before"); err != nil {
		return err
	}
	return a.preflight(ctx, run)
}

func (a *Auditor) planPage(ctx context.Context, run audit.Run, seen *ask.Logins) error {
	// One more than a page, so that the last page is known to be the last.
	page, unread, err := a.Aside.ReadPage(ctx, run, run.PlannedTo, planPage+1)
	if err != nil {
		return err
	}
	last := len(page) <= planPage
	page = page[:min(len(page), planPage)]
	to := run.PlannedTo
	if len(page) > 0 {
		to = page[len(page)-1].ID
	}
	targets := a.targets(ctx, page)
	if err := a.noteFlaws(ctx, run, page); err != nil {
		return err
	}
	if last {
		if err := a.noteUnnamed(ctx, run); err != nil {
			return err
		}
	}
	page, targets = once(page, targets)
	chosen, full := a.choose(run, page, targets)
	if last && run.Accounts+len(chosen) == 0 {
		if err := a.noteHidden(ctx, run); err != nil {
			return err
		}
	}
	for i, acc := range page {
		if targets[i].Provider != nil && unread[acc.ID] == nil {
			if err := a.Ask.NoteDuplicate(ctx, run, seen, acc, targets[i]); err != nil {
				return err
			}
		}
	}
	if err := a.noteMoved(ctx, run, page, targets); err != nil {
		return err
	}
	early, err := a.early(ctx, run, chosen)
	if err != nil {
		return err
	}
	return a.Ledger.Plan(ctx, run.Key, run.PlannedTo, to, a.cut(chosen, early, last || full), len(chosen), last || full)
}

// noteFlaws tells operations, once for each column, what the gate found in the source's rows.
func (a *Auditor) noteFlaws(ctx context.Context, run audit.Run, page []audit.Account) error {
	noted := map[audit.Trouble]bool{}
	for _, acc := range page {
		for _, t := range []audit.Trouble{
			{What: trouble("these accounts are not checked, their secrets are sent nowhere and their customers are not notified", acc.Flaw), Fix: fixFlaws},
			{What: trouble("these accounts are checked without it", acc.Doubt), Fix: fixFlaws},
		} {
			if t.What == "" || noted[t] {
				continue
			}
			noted[t] = true
			if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// unnamedFact is how many rows of the source have no id.
const unnamedFact = "rows without an id"

// noteUnnamed tells operations of rows that no run can name.
func (a *Auditor) noteUnnamed(ctx context.Context, run audit.Run) error {
	from, ok := a.Accounts.(gate.Unnamed)
	if !ok {
		return nil
	}
	n, err := from.WithoutID(ctx)
	if err != nil {
		a.Log.Warn("rows without an id not counted", "err", err)
		return nil
	}
	if n == 0 {
		return nil
	}
	if _, err := a.Ledger.KeepFact(ctx, run.Key, unnamedFact, strconv.Itoa(n)); err != nil {
		return err
	}
	what := fmt.Sprintf("source: %d rows have no account_id; they are not checked and not counted", n)
	if n == 1 {
		what = "source: 1 row has no account_id; it is not checked and not counted"
	}
	return audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{What: what, Fix: "give each row of the source table or view an account_id"})
}

// noteHidden tells operations why the source may look empty.
func (a *Auditor) noteHidden(ctx context.Context, run audit.Run) error {
	from, ok := a.Accounts.(gate.Hiding)
	if !ok || !run.Scope.Whole() {
		return nil
	}
	tables, err := from.HiddenBy(ctx)
	if err != nil {
		a.Log.Warn("not asked whether row level security hides the accounts", "err", err)
		return nil
	}
	if tables == "" {
		return nil
	}
	return audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{
		What: "source: it has no account for our role, and row level security is on for " + tables, Fix: gate.HidingFix,
	})
}

const fixFlaws = "mailaudit doctor counts them and names examples; correct the source table or view"

func trouble(follows string, f audit.Flaw) string {
	if f.Column == "" {
		return ""
	}
	return "source: column " + f.Column + " " + f.What + "; " + follows
}

// once leaves one account of each id: rows that share one stand beside each other.
func once(page []audit.Account, targets []ask.Target) ([]audit.Account, []ask.Target) {
	var accounts []audit.Account
	var at []ask.Target
	for i, acc := range page {
		if i == 0 || page[i-1].ID != acc.ID {
			accounts, at = append(accounts, acc), append(at, targets[i])
		}
	}
	return accounts, at
}

type choice struct{ id, provider, tenant string }

// early returns the accounts that go first: those whose last word was not a clear yes, for should the window end early,
// they are the ones that matter. Where a host bans after a few refusals it is those whose secret was accepted before:
// others' wrong secrets must not shut it before they are asked.
func (a *Auditor) early(ctx context.Context, run audit.Run, chosen []choice) (map[string]bool, error) {
	var free, banning []string
	for _, c := range chosen {
		if a.bans(c) {
			banning = append(banning, c.id)
		} else {
			free = append(free, c.id)
		}
	}
	early, err := a.Ledger.Doubtful(ctx, free)
	if err != nil || len(banning) == 0 {
		return early, err
	}
	states, _, err := a.Aside.ReadStates(ctx, run, banning)
	for id, st := range states {
		if decide.TrustedSecret(st) {
			early[id] = true
		}
	}
	return early, err
}

// choose applies the run's scope. full tells that --limit is reached.
func (a *Auditor) choose(run audit.Run, page []audit.Account, targets []ask.Target) (chosen []choice, full bool) {
	for i, acc := range page {
		provider := audit.ProviderOther
		if targets[i].Provider != nil {
			provider = targets[i].Provider.Name
		}
		if audit.IsCanary(a.Policy, acc.ID) {
			continue
		}
		if run.Scope.Provider != "" && provider != run.Scope.Provider {
			continue
		}
		if run.Scope.Limit > 0 && run.Accounts+len(chosen) == run.Scope.Limit {
			return chosen, true
		}
		chosen = append(chosen, choice{acc.ID, provider, acc.TenantID})
	}
	return chosen, false
}

// lookupsAtOnce bounds the questions that planning asks the name service at a time.
const lookupsAtOnce = 32

// targets resolves a page. Where the name service could not tell, the target has no provider.
func (a *Auditor) targets(ctx context.Context, page []audit.Account) []ask.Target {
	targets := make([]ask.Target, len(page))
	var group errgroup.Group
	group.SetLimit(lookupsAtOnce)
	for i, acc := range page {
		group.Go(func() error {
			if t, err := a.Ask.Resolve(ctx, acc); err == nil {
				targets[i] = t
			}
			return nil
		})
	}
	group.Wait()
	return targets
}

// cut makes the batches, each tenant's accounts spread among those of the others. Accounts that go first come in batches
// of their own, but where hosts ban: there the others follow in the same line, so that they are not asked beside the first.
// The run's last batches grow smaller, so that all processes come to the end together.
func (a *Auditor) cut(chosen []choice, early map[string]bool, last bool) []audit.Batch {
	type heap struct {
		provider string
		early    bool
	}
	heaps := map[heap][]string{}
	var order []heap
	for _, c := range decide.Deal(chosen, func(c choice) string { return c.tenant }, func(c choice) bool { return a.bans(c) && early[c.id] }) {
		h := heap{c.provider, early[c.id] && !a.bans(c)}
		if heaps[h] == nil {
			order = append(order, h)
		}
		heaps[h] = append(heaps[h], c.id)
	}
	var batches []audit.Batch
	for _, h := range order {
		for rest := heaps[h]; len(rest) > 0; {
			size := batchSize
			if last {
				size = lastSize(len(rest), a.Policy.MaxConcurrency[h.provider])
			}
			size = min(size, len(rest))
			batches = append(batches, audit.Batch{Provider: h.provider, Try: 1, Doubtful: early[rest[0]], IDs: rest[:size:size]})
			rest = rest[size:]
		}
	}
	return batches
}

// bans reports whether the account's host may ban our address after a few refusals.
func (a *Auditor) bans(c choice) bool { return a.Policy.MaxRefusals[c.provider] > 0 }

// lastSize is the size of the next batch where so many accounts are left to plan: an equal share of them for each
// worker of a few processes, so that nobody is left with a whole batch when the others have none. A batch never
// holds fewer than a process may ask at once.
func lastSize(left, atOnce int) int {
	return min(batchSize, max(leastBatch, atOnce, left/sharers))
}
