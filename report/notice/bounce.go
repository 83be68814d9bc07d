package notice

import (
	"context"
	"strings"
	"sync"
	"time"

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

// Waves remembers who was refused for good lately. The zero value is ready; several goroutines may use it.
type Waves struct {
	mu      sync.Mutex
	refused map[string]map[string]time.Time // by provider, by recipient
}

// add notes a refusal and tells whether it is one of many at that provider.
func (w *Waves) add(r Refusal, to string, now time.Time) bool {
	where := r.Provider
	if where == "" || where == "other" {
		where = strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused == nil {
		w.refused = map[string]map[string]time.Time{}
	}
	if w.refused[where] == nil {
		w.refused[where] = map[string]time.Time{}
	}
	w.refused[where][strings.ToLower(to)] = now
	lately := 0
	for _, at := range w.refused[where] {
		if now.Sub(at) < waveWithin {
			lately++
		}
	}
	return lately >= waveOf
}

// judge reads a refusal for good: one that may pass becomes a retry, one that will not goes to the call list.
func (d *Desk) judge(ctx context.Context, to string, out Outcome) (Outcome, error) {
	if out.Result != Failed || d.Refused == nil {
		return out, nil
	}
	r := d.Refused(ctx, to, out.Reply)
	switch {
	case !r.lasting():
		out.Result = Retry
		return out, nil
	case d.Waves.add(r, to, d.Now()):
		out.Result = Retry
		out.Detail = "many recipients refused at once, not believed: " + out.Detail
		return out, nil
	}
	return out, d.Bounced(context.WithoutCancel(ctx), to, out.Detail, d.Now())
}
