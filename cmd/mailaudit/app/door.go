package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// door is a listener of serve: its answers are bounded in time, its connections in number.
type door struct {
	key     string // of the configuration, for errors: "metrics.listen"
	address string
	what    string // for people: "metrics and probes"
	handler http.Handler
	answers time.Duration // within which an answer must be written
}

const (
	headersWithin = 5 * time.Second
	idleWithin    = 30 * time.Second
	bodyWithin    = 10 * time.Second
	maxHeader     = 16 << 10
	// connectionsAtMost is far more than probes, a monitoring and a product need.
	connectionsAtMost = 256
)

// open listens until it is closed. fail is told should it end by itself.
func (d door) open(ctx context.Context, fail context.CancelCauseFunc) (at net.Addr, closeDoor func(), err error) {
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for %s (%s): %w", d.what, d.key, err)
	}
	held := crowd{most: connectionsAtMost}
	server := &http.Server{
		Handler: d.handler, ReadHeaderTimeout: headersWithin, ReadTimeout: bodyWithin, WriteTimeout: d.answers,
		IdleTimeout: idleWithin, MaxHeaderBytes: maxHeader, ConnState: held.changed,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("answer %s: %w", d.what, err))
		}
	}()
	return listener.Addr(), func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closedWithin)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
		<-ended
	}, nil
}

// crowd bounds the connections of a server. Where there are too many, the one that has been silent longest goes: so those who
// hold connections open keep no probe out, which a full listener would.
type crowd struct {
	most int

	mu   sync.Mutex
	all  map[net.Conn]silence
	next int
}

type silence struct {
	since int // the order of changes
	busy  bool
}

// changed is an [http.Server]'s ConnState.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[net.Conn]silence{}
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
		return
	}
	c.next++
	c.all[conn] = silence{c.next, state == http.StateActive}
	if len(c.all) <= c.most {
		return
	}
	var longest net.Conn
	for other, s := range c.all {
		if l := c.all[longest]; other != conn && (longest == nil || l.busy && !s.busy || l.busy == s.busy && s.since < l.since) {
			longest = other
		}
	}
	delete(c.all, longest)
	longest.Close()
}
