package night

import (
	"context"
	"sync"
	"time"

	"mailaudit/audit"
)

// A database that fails over may lose its last commits, and says nothing of it. So a process holds what it has heard of a
// batch against what is stored, before the batch is closed and when it comes back, and writes again what is missing.

// restore writes again what this process has heard of the batch and the database does not have. lost reports whether
// accounts are missing that had their result when the turn began, and of which this process knows nothing.
func (w *batchWork) restore(ctx context.Context) (lost bool, err error) {
	all := w.known.all()
	if len(all) == 0 && len(w.had) == 0 {
		return false, nil
	}
	states, unread, err := w.Auditor.Aside.ReadStates(ctx, w.Run, w.Batch.IDs)
	if err != nil {
		return false, err
	}
	stored := func(id string) bool {
		t := states[id].Tonight
		return unread[id] != nil || t != nil && t.RunKey == w.Run.Key && t.Try >= w.Batch.Try
	}
	var again []audit.Recorded
	for id, r := range all {
		if !stored(id) {
			again = append(again, r)
		}
	}
	for _, id := range w.had {
		_, known := all[id]
		lost = lost || !known && !stored(id)
	}
	if len(again) == 0 && !lost {
		return false, nil
	}
	if newest, err := w.Auditor.Ledger.ListRuns(ctx, 1, false); err != nil || len(newest) > 0 && newest[0].Seq > w.Run.Seq {
		return false, err // a later run has taken the results over
	}
	if len(again) > 0 {
		if err := w.recordHeard(ctx, again); err != nil {
			return false, err
		}
		w.Auditor.Log.Warn("the database had lost results; they are written again", "run", w.Run.Key, "batch", w.Batch.N, "results", len(again))
	}
	return lost, nil
}

// heard is what one process has heard of a batch.
type heard struct {
	mu      sync.Mutex
	results map[string]audit.Recorded
	inHand  bool
	closed  time.Time // when the batch was closed; zero: it is not
}

func (h *heard) keep(r audit.Recorded) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results[r.AccountID] = r
}

func (h *heard) all() map[string]audit.Recorded {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]audit.Recorded, len(h.results))
	for id, r := range h.results {
		all[id] = r
	}
	return all
}

// lostWithin is how long after its end a batch may turn out to be open again, and what was heard of it is remembered.
const lostWithin = time.Minute

// batchesInHand are the batches that this process works on, or has closed of late. While the database is away, a turn
// outlives the time that the queue gives its job.
type batchesInHand struct {
	mu  sync.Mutex
	all map[batchName]*heard
}

type batchName struct {
	run string
	n   int
}

// take begins a turn at a batch, with what earlier turns have heard; free is false where one is still under way.
func (b *batchesInHand) take(run string, n int) (h *heard, free bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[batchName]*heard{}
	}
	for name, old := range b.all {
		if !old.inHand && !old.closed.IsZero() && time.Since(old.closed) > lostWithin || name.run != run && !old.inHand {
			delete(b.all, name)
		}
	}
	name := batchName{run, n}
	h = b.all[name]
	if h == nil {
		h = &heard{results: map[string]audit.Recorded{}}
		b.all[name] = h
	}
	if h.inHand {
		return nil, false
	}
	h.inHand = true
	return h, true
}

func (b *batchesInHand) leave(run string, n int, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.all[batchName{run, n}]
	h.inHand = false
	if closed {
		h.closed = time.Now()
	}
}
