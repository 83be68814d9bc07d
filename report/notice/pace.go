package notice

import (
	"context"
	"time"
)

// pace keeps a distance between mails: the operator's, or a longer one that the relay's answers ask for.
type pace struct {
	asSet time.Duration
	every time.Duration
	next  time.Time
	calm  int // mails taken in a row at a distance longer than asSet
}

func newPace(perSecond float64) pace {
	if perSecond <= 0 {
		return pace{}
	}
	every := time.Duration(float64(time.Second) / perSecond)
	return pace{asSet: every, every: every}
}

func (p *pace) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if p.every == 0 {
		return nil
	}
	now := time.Now()
	if wait := p.next.Sub(now); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		now = p.next
	}
	p.next = now.Add(p.every)
	return nil
}
