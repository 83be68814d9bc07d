package night

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// paceStore is what this file needs of the store. The contracts are in package audit.
type paceStore interface {
	SaveCapacity(ctx context.Context, key, provider, process string, b providers.Capacity) error
	SavedCapacity(ctx context.Context, key, provider string) ([]providers.Capacity, error)
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
}

// Pacing finds what each provider bears of this process, and makes use of what other nights found.
type Pacing interface {
	// Recall is told, before a night's first accounts of a provider, what each process found that worked on the
	// last night, how long ago that ended, and how many processes work on tonight's accounts so far.
	Recall(provider string, found []providers.Capacity, age time.Duration, processes int)
	// Capacity is what was found since.
	Capacity(provider string) providers.Capacity
}

// capacityMemory is what this process has noted of the run at work.
type capacityMemory struct {
	mu      audit.Lock
	process string // a name of no meaning, so that its words are told from others'
	runKey  string
	noted   map[string]providers.Capacity // by provider
}

// recallCapacity begins a provider's night in this process. What cannot be remembered costs the time of a climb
// and ends no night.
func (a *Auditor) recallCapacity(ctx context.Context, run audit.Run, provider string) {
	if a.Pacing == nil {
		return
	}
	m := &a.paces
	if m.mu.Lock(ctx) != nil {
		return
	}
	defer m.mu.Unlock()
	if m.runKey != run.Key {
		m.process, m.runKey, m.noted = rand.Text(), run.Key, map[string]providers.Capacity{}
	}
	if _, begun := m.noted[provider]; begun {
		return
	}
	m.noted[provider] = providers.Capacity{}
	found, age, err := a.capacityBefore(ctx, run, provider)
	processes := 0
	if err == nil {
		processes, err = a.joinRun(ctx, run, provider)
	}
	if err != nil {
		a.Log.Warn("what the provider bears is to be found anew", "provider", provider, "err", err)
		return
	}
	a.Log.Debug("pace recalled", "provider", provider, "found", found, "age", age, "processes", processes)
	a.Pacing.Recall(provider, found, age, processes)
}

// capacityBefore returns what the last night's processes found.
func (a *Auditor) capacityBefore(ctx context.Context, run audit.Run, provider string) ([]providers.Capacity, time.Duration, error) {
	before, err := a.Ledger.ConcludedBefore(ctx, run.Seq)
	if errors.Is(err, audit.ErrNoRun) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	found, err := a.Ledger.SavedCapacity(ctx, before.Key, provider)
	return found, run.StartedAt.Sub(before.FinishedAt), err
}

// joinRun makes this process known to those that begin after it, and returns how many there are.
func (a *Auditor) joinRun(ctx context.Context, run audit.Run, provider string) (processes int, err error) {
	if err := a.Ledger.SaveCapacity(ctx, run.Key, provider, a.paces.process, providers.Capacity{}); err != nil {
		return 0, err
	}
	all, err := a.Ledger.SavedCapacity(ctx, run.Key, provider)
	return len(all), err
}

// saveCapacity keeps what the provider was found to bear, where that has changed.
func (a *Auditor) saveCapacity(ctx context.Context, run audit.Run, provider string) {
	if a.Pacing == nil {
		return
	}
	m := &a.paces
	ctx = context.WithoutCancel(ctx)
	if m.mu.Lock(ctx) != nil {
		return
	}
	defer m.mu.Unlock()
	found := a.Pacing.Capacity(provider)
	if m.runKey != run.Key || m.noted[provider] == found {
		return
	}
	if err := a.Ledger.SaveCapacity(ctx, run.Key, provider, m.process, found); err != nil {
		a.Log.Warn("what the provider bears was not noted", "provider", provider, "err", err)
		return
	}
	m.noted[provider] = found
}
