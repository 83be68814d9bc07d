package api

import (
	"sync"
	"time"
)

// limiter lets so many through in each stretch of time, by name. It forgets all names when a stretch ends, so that names that
// strangers make up cost memory for one stretch alone.
type limiter struct {
	most int
	per  time.Duration

	mu    sync.Mutex
	since time.Time
	count map[string]int
}

// take reports whether one more of the name may pass, and else how long it must wait.
func (l *limiter) take(name string, now time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := now.Sub(l.since); l.count == nil || age >= l.per || age < 0 {
		l.since, l.count = now, map[string]int{}
	}
	if l.count[name] >= l.most {
		return false, retryAfter(now, l.since.Add(l.per))
	}
	l.count[name]++
	return true, 0
}
