package app

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// mxCache asks the name service once for each domain. Failures are asked again: they pass. A service that
// answers nobody is left alone for a while, so that a page of accounts does not wait for it account by account.
type mxCache struct {
	lookup func(ctx context.Context, domain string) ([]string, error)

	mu       sync.Mutex
	known    map[string]*mxAnswer
	failures int       // in a row
	notUntil time.Time // the service is left alone
}

// newMXCache remembers what lookup answers.
func newMXCache(lookup func(ctx context.Context, domain string) ([]string, error)) *mxCache {
	return &mxCache{lookup: lookup, known: map[string]*mxAnswer{}}
}

type mxAnswer struct {
	done  chan struct{}
	hosts []string
	err   error
}

const (
	mxTimeout = 10 * time.Second
	// mxKnown bounds what is remembered: some 4 MiB.
	mxKnown = 20_000
	// mxPatience is how many failures in a row are the service's and not the domains'.
	mxPatience = 64
	mxPause    = 30 * time.Second
)

var errNoNameService = errors.New("the name service does not answer; not asked")

// Lookup returns the hosts of a domain's MX records, none where it has none.
func (c *mxCache) Lookup(ctx context.Context, domain string) ([]string, error) {
	a, ask, err := c.answer(domain)
	if err != nil {
		return nil, err
	}
	if ask {
		ctx, cancel := context.WithTimeout(ctx, mxTimeout)
		a.hosts, a.err = c.lookup(ctx, domain)
		cancel()
		c.learn(domain, a)
		close(a.done)
	}
	select {
	case <-a.done:
		return a.hosts, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// answer gives what is known of a domain, or an answer that the caller has to ask for.
func (c *mxCache) answer(domain string) (a *mxAnswer, ask bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.known[domain]; a != nil {
		return a, false, nil
	}
	if time.Now().Before(c.notUntil) {
		return nil, false, errNoNameService
	}
	if len(c.known) >= mxKnown {
		clear(c.known)
	}
	a = &mxAnswer{done: make(chan struct{})}
	c.known[domain] = a
	return a, true, nil
}

func (c *mxCache) learn(domain string, a *mxAnswer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.err == nil {
		c.failures = 0
		return
	}
	if c.known[domain] == a {
		delete(c.known, domain)
	}
	if c.failures++; c.failures >= mxPatience {
		c.notUntil = time.Now().Add(mxPause)
	}
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
