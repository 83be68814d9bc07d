package night

import (
	"context"
	"maps"
	"slices"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// renumberStore is what this file needs of the store. The contracts are in package audit.
type renumberStore interface {
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
	Renumber(ctx context.Context, run audit.Run, moves []audit.Renumbering) error
	Renumbered(ctx context.Context, key, after string, limit int) ([]audit.Renumbering, error)
}

// A product may give its accounts other ids. A new id with the tenant, provider and mailbox of exactly one account that has
// left the source is that account.

// departures are what a run's plan, compared with what is remembered, says of the source.
type departures struct {
	gone  int // accounts that are remembered, and that neither the plan nor the source has
	moves []audit.Renumbering
}

// departed compares the plan of a run of the whole source with what is remembered. It changes nothing.
func (a *Auditor) departed(ctx context.Context, run audit.Run) (d departures, err error) {
	planned, err := a.plannedIDs(ctx, run.Key)
	if err != nil {
		return d, err
	}
	missing, err := a.unplanned(ctx, planned)
	if err != nil {
		return d, err
	}
	gone := decide.Mailboxes{}
	for page := range slices.Chunk(missing, planPage) {
		there, unread, err := a.Aside.ReadAccounts(ctx, run, page)
		if err != nil {
			return d, err
		}
		page = slices.DeleteFunc(slices.Clone(page), func(id string) bool {
			_, is := there[id]
			return is || unread[id] != nil || audit.IsCanary(a.Policy, id)
		})
		states, _, err := a.Aside.ReadStates(ctx, run, page)
		if err != nil {
			return d, err
		}
		d.gone += len(page)
		for _, st := range states {
			gone.Add(st.TenantID, st.Provider, st.Address, st.AccountID)
		}
	}
	if d.gone == 0 {
		return d, nil
	}
	fresh, err := a.freshMailboxes(ctx, run, planned)
	d.moves = decide.Renumber(gone, fresh)
	return d, err
}

// freshMailboxes are the mailboxes of planned accounts of which nothing is remembered.
func (a *Auditor) freshMailboxes(ctx context.Context, run audit.Run, planned *idSet) (decide.Mailboxes, error) {
	fresh := decide.Mailboxes{}
	err := a.eachPlanned(ctx, run.Key, func(b audit.Batch) error {
		ids := slices.DeleteFunc(b.IDs, planned.wasMet)
		if len(ids) == 0 {
			return nil
		}
		states, err := a.Ledger.LoadStates(ctx, ids) // who was gone and is back is no new account
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { _, known := states[id]; return known })
		accounts, _, err := a.Aside.ReadAccounts(ctx, run, ids)
		for acc := range maps.Values(accounts) {
			fresh.Add(acc.TenantID, b.Provider, acc.Address, acc.ID)
		}
		return err
	})
	return fresh, err
}

// movesAtOnce is how many accounts one transaction renumbers.
const movesAtOnce = 1000

func (a *Auditor) renumber(ctx context.Context, run audit.Run, moves []audit.Renumbering) error {
	for some := range slices.Chunk(moves, movesAtOnce) {
		if err := a.Ledger.Renumber(ctx, run, some); err != nil {
			return err
		}
	}
	if len(moves) > 0 {
		a.Log.Info("accounts have new ids; their history goes on", "run", run.Key, "accounts", len(moves))
	}
	return nil
}

// countRenumbered counts the accounts that the run found under a new id.
func (a *Auditor) countRenumbered(ctx context.Context, run audit.Run) (n int, err error) {
	for after := ""; ; {
		page, err := a.Ledger.Renumbered(ctx, run.Key, after, knownPage)
		n += len(page)
		if err != nil || len(page) < knownPage {
			return n, err
		}
		after = page[len(page)-1].New
	}
}
