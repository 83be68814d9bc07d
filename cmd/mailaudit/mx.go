package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// mxCache asks the name service once for each domain. Failures are asked again: they pass.
type mxCache struct {
	lookup func(ctx context.Context, domain string) ([]string, error)

	mu    sync.Mutex
	known map[string]*mxAnswer
}

type mxAnswer struct {
	done  chan struct{}
	hosts []string
	err   error
}

const mxTimeout = 10 * time.Second

func (c *mxCache) Lookup(ctx context.Context, domain string) ([]string, error) {
	c.mu.Lock()
	a, asked := c.known[domain]
	if !asked {
		a = &mxAnswer{done: make(chan struct{})}
		c.known[domain] = a
	}
	c.mu.Unlock()
	if !asked {
		ctx, cancel := context.WithTimeout(ctx, mxTimeout)
		a.hosts, a.err = c.lookup(ctx, domain)
		cancel()
		close(a.done)
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if a.err != nil {
		c.mu.Lock()
		if c.known[domain] == a {
			delete(c.known, domain)
		}
		c.mu.Unlock()
	}
	return a.hosts, a.err
}

// lookupMX asks the system's resolver.
func lookupMX(ctx context.Context, domain string) ([]string, error) {
	records, err := net.DefaultResolver.LookupMX(ctx, domain)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound && !dns.IsTemporary {
		return nil, nil
	}
	hosts := make([]string, 0, len(records))
	for _, r := range records {
		hosts = append(hosts, r.Host)
	}
	if len(hosts) > 0 {
		err = nil // one broken record does not spoil the others
	}
	return hosts, err
}
