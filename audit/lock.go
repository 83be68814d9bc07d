package audit

import (
	"context"
	"sync"
)

// Lock is a mutex for what is held while the store is asked: whoever waits for it gives up when ctx ends. The zero
// value is free.
type Lock struct {
	once sync.Once
	free chan struct{}
}

func (l *Lock) init() { l.once.Do(func() { l.free = make(chan struct{}, 1) }) }

// Lock waits until the lock is free and takes it, or returns ctx's cause.
func (l *Lock) Lock(ctx context.Context) error {
	l.init()
	select {
	case l.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Unlock frees it.
func (l *Lock) Unlock() { <-l.free }
