package night

import (
	"context"
	"hash/maphash"
	"slices"

	"mailaudit/audit"
)

// walkStore is what this file needs of the store. The contracts are in package audit.
type walkStore interface {
	Known(ctx context.Context, after string, limit int) ([]string, error)
	PlannedBatches(ctx context.Context, key string, after, limit int) ([]audit.Batch, error)
	PlanMore(ctx context.Context, key string, batches []audit.Batch, accounts int) (added bool, err error)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}

// A run's plan is compared with what is remembered, to see who has left, and at the end with the source, to see whom it
// missed. Plans may hold a million ids, so a comparison keeps 9 bytes of each.

// idSet holds ids by a hash of 64 bits, and which of them were met. Two ids of a million share one once in ten million
// plans; one of them is then taken for planned.
type idSet struct {
	seed   maphash.Seed
	hashes []uint64 // ascending
	met    []bool
}

// newIDSet calls each with a function that adds ids.
func newIDSet(each func(add func(ids []string)) error) (*idSet, error) {
	s := &idSet{seed: maphash.MakeSeed()}
	err := each(func(ids []string) {
		for _, id := range ids {
			s.hashes = append(s.hashes, maphash.String(s.seed, id))
		}
	})
	slices.Sort(s.hashes)
	s.hashes = slices.Compact(s.hashes)
	s.met = make([]bool, len(s.hashes))
	return s, err
}

// meet reports whether the set holds an id, and notes that it was met.
func (s *idSet) meet(id string) bool {
	i, there := slices.BinarySearch(s.hashes, maphash.String(s.seed, id))
	if there {
		s.met[i] = true
	}
	return there
}

func (s *idSet) wasMet(id string) bool {
	i, there := slices.BinarySearch(s.hashes, maphash.String(s.seed, id))
	return there && s.met[i]
}

const (
	knownPage   = 5000
	batchesPage = 50
)

// eachPlanned calls f with each batch of the run's plan.
func (a *Auditor) eachPlanned(ctx context.Context, key string, f func(audit.Batch) error) error {
	for after := 0; ; {
		page, err := a.Ledger.PlannedBatches(ctx, key, after, batchesPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := f(b); err != nil {
				return err
			}
		}
		after = page[len(page)-1].N
	}
}

// plannedIDs are the ids of the run's plan.
func (a *Auditor) plannedIDs(ctx context.Context, key string) (*idSet, error) {
	return newIDSet(func(add func([]string)) error {
		return a.eachPlanned(ctx, key, func(b audit.Batch) error { add(b.IDs); return nil })
	})
}

// unplanned returns the ids that are remembered and not planned, and marks in the plan those that are remembered.
func (a *Auditor) unplanned(ctx context.Context, planned *idSet) (missing []string, err error) {
	for after := ""; ; {
		page, err := a.Ledger.Known(ctx, after, knownPage)
		if err != nil || len(page) == 0 {
			return missing, err
		}
		after = page[len(page)-1]
		for _, id := range page {
			if !planned.meet(id) {
				missing = append(missing, id)
			}
		}
	}
}

const walkedFact = "walked"

// planMissed plans the accounts of the source that the plan has not, once a run and within its window: pages may have been
// lost, or rows have come while others were read. more reports whether there are any.
func (a *Auditor) planMissed(ctx context.Context, run audit.Run) (more bool, err error) {
	if !run.Scope.Whole() || run.Phase != audit.PhaseVerifying || !a.Now().Before(run.Deadline) {
		return false, nil
	}
	walked, err := a.Ledger.Facts(ctx, run.Key, walkedFact)
	if err != nil || len(walked) > 0 {
		return false, err
	}
	planned, err := a.plannedIDs(ctx, run.Key)
	if err != nil {
		return false, err
	}
	for after := ""; ; {
		ids, err := a.Accounts.AccountIDsAfter(ctx, after, planPage, "")
		if err != nil {
			return false, err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		missed := slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return planned.meet(id) || audit.IsCanary(a.Policy, id) })
		added, err := a.planAlso(ctx, run, missed)
		if err != nil {
			return false, err
		}
		more = more || added
	}
	_, err = a.Ledger.KeepFact(ctx, run.Key, walkedFact, "1")
	return more, err
}

// planAlso plans accounts beside those that are planned.
func (a *Auditor) planAlso(ctx context.Context, run audit.Run, ids []string) (added bool, err error) {
	if len(ids) == 0 {
		return false, nil
	}
	accounts, unread, err := a.Aside.ReadAccounts(ctx, run, ids)
	if err != nil {
		return false, err
	}
	var page []audit.Account
	for _, id := range ids {
		if acc, there := accounts[id]; there {
			page = append(page, acc)
		} else if unread[id] != nil {
			page = append(page, audit.Account{ID: id})
		}
	}
	if err := a.noteFlaws(ctx, run, page); err != nil {
		return false, err
	}
	chosen, _ := a.choose(run, page, a.targets(ctx, page))
	early, err := a.early(ctx, run, chosen)
	if err != nil {
		return false, err
	}
	added, err = a.Ledger.PlanMore(ctx, run.Key, a.cut(chosen, early, true), len(chosen))
	if added {
		a.Log.Warn("accounts of the source were not planned; they are now", "run", run.Key, "accounts", len(chosen))
	}
	return added, err
}
