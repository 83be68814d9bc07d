package pace

import "time"

const (
	// unreachableRun of conversations in a row that never got an answer opens the breaker.
	unreachableRun = 10
	// breakerDelay until one conversation probes whether the provider is back.
	breakerDelay = 30 * time.Second
)

// breaker leaves a provider alone that does not answer at all. Its probe may end without saying anything
// of the provider, when it is cancelled, and then gives its place to another.
type breaker struct {
	run     int       // conversations without an answer, in a row
	until   time.Time // open until then; zero: closed
	probing bool      // one conversation finds out
}

func (b *breaker) open() bool { return !b.until.IsZero() }

// admit reports whether a conversation may begin, as the probe if the breaker is open; if not, after how
// long to ask again, 0 for when the probe has ended.
func (b *breaker) admit(now time.Time) (ok, probe bool, wait time.Duration) {
	switch {
	case !b.open():
		return true, false, 0
	case now.Before(b.until):
		return false, false, b.until.Sub(now)
	case b.probing:
		return false, false, 0
	}
	b.probing = true
	return true, true, 0
}

func (b *breaker) reached() { *b = breaker{} }

func (b *breaker) unreachable(now time.Time, probe bool) {
	b.run++
	if probe || !b.open() && b.run >= unreachableRun {
		b.until, b.probing = now.Add(breakerDelay), false
	}
}

func (b *breaker) unknown(probe bool) {
	if probe {
		b.probing = false
	}
}
