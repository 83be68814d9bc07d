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
	NotePace(ctx context.Context, key, provider, process string, b providers.Borne) error
	PacesOf(ctx context.Context, key, provider string) ([]providers.Borne, error)
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
}

// Pacing finds what each provider bears of this process, and makes use of what other nights found.
type Pacing interface {
	// Recall is told, before a night's first accounts of a provider, what each process found that worked on the
	// last night, how long ago that ended, and how many processes work on tonight's accounts so far.
	Recall(provider string, found []providers.Borne, age time.Duration, processes int)
	// Borne is what was found since.
	Borne(provider string) providers.Borne
}

// paceMemory is what this process has noted of the run at work.
type paceMemory struct {
	mu      audit.Lock
	process string // a name of no meaning, so that its words are told from others'
	runKey  string
	noted   map[string]providers.Borne // by provider
}

// recallPace begins a provider's night in this process. What cannot be remembered costs the time of a climb
// and ends no night.
func (a *Auditor) recallPace(ctx context.Context, run audit.Run, provider string) {
	if a.Pacing == nil {
		return
	}
	m := &a.paces
	if m.mu.Lock(ctx) != nil {
		return
	}
	defer m.mu.Unlock()
	if m.runKey != run.Key {
		m.process, m.runKey, m.noted = rand.Text(), run.Key, map[string]providers.Borne{}
	}
	if _, begun := m.noted[provider]; begun {
		return
	}
	m.noted[provider] = providers.Borne{}
	found, age, err := a.paceBefore(ctx, run, provider)
	processes := 0
	if err == nil {
		processes, err = a.joinPace(ctx, run, provider)
	}
	if err != nil {
		a.Log.Warn("what the provider bears is to be found anew", "provider", provider, "err", err)
		return
	}
	a.Log.Debug("pace recalled", "provider", provider, "found", found, "age", age, "processes", processes)
	a.Pacing.Recall(provider, found, age, processes)
}

// paceBefore returns what the last night's processes found.
func (a *Auditor) paceBefore(ctx context.Context, run audit.Run, provider string) ([]providers.Borne, time.Duration, error) {
	before, err := a.Ledger.ConcludedBefore(ctx, run.Seq)
	if errors.Is(err, audit.ErrNoRun) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	found, err := a.Ledger.PacesOf(ctx, before.Key, provider)
	return found, run.StartedAt.Sub(before.FinishedAt), err
}

// joinPace makes this process known to those that begin after it, and returns how many there are.
func (a *Auditor) joinPace(ctx context.Context, run audit.Run, provider string) (processes int, err error) {
	if err := a.Ledger.NotePace(ctx, run.Key, provider, a.paces.process, providers.Borne{}); err != nil {
		return 0, err
	}
	all, err := a.Ledger.PacesOf(ctx, run.Key, provider)
	return len(all), err
}

// notePace keeps what the provider was found to bear, where that has changed.
func (a *Auditor) notePace(ctx context.Context, run audit.Run, provider string) {
	if a.Pacing == nil {
		return
	}
	m := &a.paces
	ctx = context.WithoutCancel(ctx)
	if m.mu.Lock(ctx) != nil {
		return
	}
	defer m.mu.Unlock()
	found := a.Pacing.Borne(provider)
	if m.runKey != run.Key || m.noted[provider] == found {
		return
	}
	if err := a.Ledger.NotePace(ctx, run.Key, provider, m.process, found); err != nil {
		a.Log.Warn("what the provider bears was not noted", "provider", provider, "err", err)
		return
	}
	m.noted[provider] = found
}
