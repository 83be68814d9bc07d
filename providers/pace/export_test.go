package pace

import "time"

// State is what the pacer has found so far.
type State struct {
	Limit    int           // conversations at once that it allows now
	InFlight int           // conversations under way
	Waiting  int           // callers at the gate
	Gap      time.Duration // between starts, where even one at a time was too fast
	Open     bool          // the breaker is open: the provider did not answer at all
	Pause    time.Duration // until it is probed again; 0 while a probe is due or under way
}

// State gives a snapshot.
func (p *Pacer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{
		Limit: p.ceiling.limit, InFlight: p.inFlight, Waiting: len(p.waiting), Gap: p.ceiling.gap,
		Open: p.breaker.open(), Pause: max(0, time.Until(p.breaker.until)),
	}
}
