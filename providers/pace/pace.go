// Package pace decides how fast one provider may be asked by this process: how many conversations at
// once, how many a second, and when not at all. It learns from what each conversation met and never
// needs a clock to learn; it asks nobody itself. Start with [New] and [Pacer.Acquire].
package pace

import (
	"context"
	"sync"
	"time"
)

// Limits are the operator's ceilings; below them the pacer finds what the provider bears.
type Limits struct {
	MaxConcurrency int     // conversations at once; less than 1 counts as 1
	MaxRate        float64 // starts a second; 0 for no limit
}

// Pacer is the gate to one provider. It is safe for concurrent use and owns no goroutine.
type Pacer struct {
	interval time.Duration // between starts, by the operator's rate; 0: any

	mu        sync.Mutex
	ceiling   *ceiling
	breaker   breaker
	shaken    bool // the provider was down, or refused one at a time, since the last Recall
	inFlight  int
	waiting   []*waiter // first come, first served
	notBefore time.Time // the provider's own waiting time
	lastStart time.Time
	timer     *time.Timer
}

type waiter struct {
	ready   chan struct{}
	granted bool
	probe   bool // finds out for the breaker
}

// New makes a Pacer that starts low.
func New(l Limits) *Pacer {
	p := &Pacer{ceiling: newCeiling(max(1, l.MaxConcurrency))}
	if l.MaxRate > 0 {
		p.interval = time.Duration(float64(time.Second) / l.MaxRate)
	}
	return p
}

// Acquire waits until one more conversation may begin. The caller then holds it and gives release what
// came of it, once; further calls do nothing. The error is that of ctx.
func (p *Pacer) Acquire(ctx context.Context) (release func(Feedback), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{ready: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.grant()
	p.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		if w.granted {
			p.finish(w, Feedback{Outcome: Nothing})
		} else {
			p.leave(w)
		}
		return nil, ctx.Err()
	}
	var once sync.Once
	return func(f Feedback) {
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.finish(w, f)
		})
	}, nil
}

// finish takes a conversation's outcome; mu is held.
func (p *Pacer) finish(w *waiter, f Feedback) {
	p.inFlight--
	now := time.Now()
	switch f.Outcome {
	case Answered:
		p.breaker.reached()
		p.ceiling.answered(p.inFlight)
	case Throttled:
		p.breaker.reached()
		p.ceiling.refused(p.inFlight)
	case Unreachable:
		p.breaker.unreachable(now, w.probe)
		if p.ceiling.limit > 1 { // fewer at once may help; the breaker sees to the rest
			p.ceiling.refused(p.inFlight)
		}
	case Nothing:
		p.breaker.unknown(w.probe)
	}
	p.shaken = p.shaken || p.breaker.open() || p.ceiling.gap > 0
	if until := now.Add(f.Wait); f.Wait > 0 && until.After(p.notBefore) {
		p.notBefore = until
	}
	p.grant()
}

// grant lets in whoever may go now, and sets the timer for who may go later; mu is held.
func (p *Pacer) grant() {
	for len(p.waiting) > 0 && p.inFlight < p.ceiling.limit {
		now := time.Now()
		if wait := p.until(now); wait > 0 {
			p.wake(wait)
			return
		}
		ok, probe, wait := p.breaker.admit(now)
		if !ok {
			if wait > 0 {
				p.wake(wait)
			}
			return // or whoever probes calls grant in the end
		}
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.inFlight++
		p.lastStart = now
		w.granted, w.probe = true, probe
		close(w.ready)
	}
}

// until is how long the next start must wait.
func (p *Pacer) until(now time.Time) time.Duration {
	wait := p.notBefore.Sub(now)
	// Starts are evenly spaced and unused ones are not saved up: a provider sees the rate, never a burst.
	if gap := max(p.interval, p.ceiling.gap); gap > 0 && !p.lastStart.IsZero() {
		wait = max(wait, p.lastStart.Add(gap).Sub(now))
	}
	return wait
}

func (p *Pacer) wake(after time.Duration) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.grant()
	})
}

// leave takes out a waiter that gave up; mu is held.
func (p *Pacer) leave(w *waiter) {
	for i, other := range p.waiting {
		if other == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			break
		}
	}
	if len(p.waiting) == 0 && p.timer != nil {
		p.timer.Stop()
	}
}
