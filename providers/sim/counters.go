package sim

import "sync"

// Counters are what has happened at a server since it was started.
type Counters struct {
	Connections int // accepted, over capacity or not
	Open        int // now
	MaxOpen     int
	Served      int // of the open ones, those that met no limit at the door
	MaxServed   int
	Over        int // met a limit at the door
	Handshakes  int
	Resumed     int // handshakes that resumed a session
	Auths       int // AUTH commands
	Credentials int // exchanges that came to a credential
	MailFrom    int
	Quits       int
}

type counters struct {
	mu sync.Mutex
	n  Counters
}

func (c *counters) opened() (number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Connections++
	c.n.Open++
	c.n.MaxOpen = max(c.n.MaxOpen, c.n.Open)
	return c.n.Connections
}

// admit lets a connection in unless it is one too many, at once or in all; 0 is no limit.
func (c *counters) admit(capacity, until, number int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if capacity > 0 && c.n.Served >= capacity || until > 0 && number > until {
		c.n.Over++
		return false
	}
	c.n.Served++
	c.n.MaxServed = max(c.n.MaxServed, c.n.Served)
	return true
}

func (c *counters) closed() { c.count(func(n *Counters) { n.Open-- }) }

func (c *counters) count(f func(*Counters)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.n)
}

// Counters gives the numbers so far.
func (s *Server) Counters() Counters {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	return s.counters.n
}
