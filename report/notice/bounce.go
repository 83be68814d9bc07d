package notice

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// What the relay refuses for good (5xx) at a recipient is read once more: the words may speak of the sender or
// of a passing state, a provider that refuses everybody has a fault of its own, and a relay that does means us.

const (
	waveOf     = 3              // recipients of one provider that are refused for good within waveWithin: none is believed
	waveWithin = 12 * time.Hour // a night and the morning after it
)

// Refusal is what a refusal at RCPT or DATA means.
type Refusal struct {
	Provider string // the recipient's; "" or "other" where none is known
	Class    providers.Class
}

// lasting reports whether no further try can help, so that the customer must be called. What no rule
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

// add notes a refusal and reports whether it is one of many at that provider.
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

// wave reports whether the refusal is one of many, over all processes.
func (d *Dispatcher) wave(ctx context.Context, r Refusal, to string) (bool, error) {
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

// reRecipient finds the words for an address that no mail reaches. "Account suspended" is not among them: relays say it
// of ours.
var reRecipient = regexp.MustCompile(`(?i)\b(?:user|recipient|mailbox|addressee)s?\b.{0,40}\b(?:unknown|not found|does(?: not|n'?t) exist|no longer|not exist|invalid)\b` +
	`|\b(?:unknown|no such|invalid|no|find the) (?:user|recipient|mailbox|address)\b|account that you tried to reach|does(?: not|n'?t) have an? .{0,40}account`)

// definite reports whether the words, known to a rule, are about the recipient: by their enhanced code (RFC 3463 section
// 3.2 and 3.3) or as relays put it.
func (r Refusal) definite(said providers.Reply) bool {
	if !r.lasting() || r.Class == providers.Unknown || r.Class == "" {
		return false
	}
	return slices.Contains([]string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, said.Enhanced) || reRecipient.MatchString(said.Text)
}

// judge reads what the relay answered. A refusal for good fails its notice, and puts its recipient on the call list,
// only once it is known to be about the recipient; until then the notice stays queued. ours is the error where it is
// about us.
func (p *delivery) judge(ctx context.Context, to string, out Outcome) (judged Outcome, ours *RelayError, err error) {
	switch out.Result {
	case Sent:
		p.hears.accepted(to)
		return out, nil, nil
	case Failed:
	default:
		return out, nil, nil
	}
	now := p.hears.refuses(to, out.Reply)
	var r Refusal
	if p.Refused != nil {
		r = p.Refused(ctx, to, out.Reply)
	}
	if now.ours {
		ours := refusesUs(out)
		if !r.definite(out.Reply) || now.met >= deadAtMost {
			p.hears.pause(p.Now(), ours)
		}
		out.Result = Retry
		return out, ours, nil
	}
	if p.Refused != nil {
		if !r.lasting() {
			out.Result = Retry
			return out, nil, nil
		}
		wave, err := p.wave(ctx, r, to)
		if err != nil {
			return out, nil, err
		}
		if wave {
			out.Result = Retry
			out.Detail = "many recipients refused at once, not believed: " + out.Detail
			return out, nil, nil
		}
	}
	if now.believed || now.again && r.definite(out.Reply) {
		return out, nil, p.bounced(ctx, to, out)
	}
	out.Result, p.onTrial = Retry, !now.again
	return out, nil, nil
}

// bounced puts an address on the call list that no mail reaches.
func (d *Dispatcher) bounced(ctx context.Context, to string, out Outcome) error {
	if d.Bounced == nil {
		return nil
	}
	now := d.Now()
	return d.keep(ctx, "that an address is refused", func(ctx context.Context) error { return d.Bounced(ctx, to, out.Detail, now) })
}
