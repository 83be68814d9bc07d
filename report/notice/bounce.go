package notice

import (
	"context"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// What the relay refuses for good (5xx) at a recipient is read once more: the words may speak of the sender or
// of a passing state, and a provider that refuses everybody has a fault of its own.

const (
	waveOf     = 3              // recipients of one provider that are refused for good within waveWithin: none is believed
	waveWithin = 12 * time.Hour // a night and the morning after it
)

// Refusal is what a refusal at RCPT or DATA means.
type Refusal struct {
	Provider string // the recipient's; "" or "other" where none is known
	Class    providers.Class
}

// lasting tells whether no further try can help, so that the customer must be told by telephone. What no rule
// knows is taken as the code says it.
func (r Refusal) lasting() bool {
	switch r.Class {
	case providers.Temporary, providers.Throttled, providers.ClientRefused, providers.Misconfigured:
		return false
	}
	return true
}

// Waves remembers who was refused for good lately, whether it was believed or not. The zero value is ready;
// several goroutines may use it. What other processes believed is in the store.
type Waves struct {
	mu      sync.Mutex
	refused map[string]map[string]time.Time // by provider, by recipient
}

// where is whose fault the refusal would be.
func (r Refusal) where(to string) string {
	if r.Provider == "" || r.Provider == "other" {
		return strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])
	}
	return r.Provider
}

// add notes a refusal and tells whether it is one of many at that provider.
func (w *Waves) add(r Refusal, to string, now time.Time) bool {
	where := r.where(to)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused == nil {
		w.refused = map[string]map[string]time.Time{}
	}
	if w.refused[where] == nil {
		w.refused[where] = map[string]time.Time{}
	}
	w.refused[where][strings.ToLower(to)] = now
	return w.lately(where, now) >= waveOf
}

// recall notes what the store knows of, unless it is known already.
func (w *Waves) recall(r Refusal, b audit.Bounce) {
	where := r.where(b.Address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused[where] == nil {
		w.refused[where] = map[string]time.Time{}
	}
	if to := strings.ToLower(b.Address); w.refused[where][to].Before(b.At) {
		w.refused[where][to] = b.At
	}
}

func (w *Waves) lately(where string, now time.Time) (lately int) {
	for _, at := range w.refused[where] {
		if now.Sub(at) < waveWithin {
			lately++
		}
	}
	return lately
}

// recallAtMost bounds how many addresses are looked up.
const recallAtMost = 100

// wave tells whether the refusal is one of many, over all processes.
func (d *Desk) wave(ctx context.Context, r Refusal, to string) (bool, error) {
	if d.Waves.add(r, to, d.Now()) {
		return true, nil
	}
	earlier, err := d.Outbox.BouncedSince(ctx, d.Now().Add(-waveWithin), recallAtMost)
	if err != nil {
		return false, err
	}
	for _, b := range earlier {
		d.Waves.recall(d.Refused(ctx, b.Address, providers.Reply{}), b)
	}
	return d.Waves.add(r, to, d.Now()), nil
}

// judge reads a refusal for good: one that may pass becomes a retry, one that will not goes to the call list.
func (d *Desk) judge(ctx context.Context, to string, out Outcome) (Outcome, error) {
	if out.Result != Failed || d.Refused == nil {
		return out, nil
	}
	r := d.Refused(ctx, to, out.Reply)
	if !r.lasting() {
		out.Result = Retry
		return out, nil
	}
	switch wave, err := d.wave(ctx, r, to); {
	case err != nil:
		return out, err
	case wave:
		out.Result = Retry
		out.Detail = "many recipients refused at once, not believed: " + out.Detail
		return out, nil
	}
	return out, d.Bounced(context.WithoutCancel(ctx), to, out.Detail, d.Now())
}
