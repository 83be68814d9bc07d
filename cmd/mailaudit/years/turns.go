package years

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// errKilled is what every call of a killed process comes to.
var errKilled = errors.New("the process was killed")

// Pause sleeps a little longer than it is told to: where two wake at the same moment, chance would decide who is first.
// It is called after a turn, so that its own order is no chance.
func (p *Process) Pause(d time.Duration) {
	t := p.turns
	t.mu.Lock()
	t.pauses++
	d += time.Duration(t.pauses%9973)*97 + time.Duration(p.N%89)*13
	t.mu.Unlock()
	time.Sleep(d)
}

// errAway is a store that is not there for a moment.
var errAway = errors.New("the database is away: connection refused")

// Process is one process of the program. Its calls to store and world wait for their turn.
type Process struct {
	N    int
	Args []string
	Who  string
	Seed uint64

	turns  *turns
	cancel context.CancelCauseFunc
	ended  chan struct{}

	// Guarded by turns.mu.
	dead  bool
	over  bool
	calls int // let through so far
	plan  []Mishap
	fault *Mishap // that befell the last call
}

// Mishap befalls a process at a call.
type Mishap struct {
	At   int    // the call's number, counted from 1 over the process's life
	Kind string // MishapKill, MishapAway, MishapTerm
	// After: the call is carried out before; else it is not.
	After bool
	For   int // how many calls in a row: of MishapAway
}

// The kinds of mishaps.
const (
	MishapKill = "kill" // the process dies
	MishapAway = "away" // the call fails, as if the database were gone; carried out or not
	MishapTerm = "term" // SIGTERM
)

// outside are calls to others than the store: what may befall those is the world's business.
var outside = map[string]bool{"ask": true, "rcpt": true, "dot": true, "http": true, "begin": true, "end": true, "lock": true}

// call is one that waits for its turn.
type call struct {
	of   *Process
	name string
	args []any
	text string // of args, made where two calls must be told apart
	turn chan error
}

// turns lets one call after the other through.
type turns struct {
	mu      sync.Mutex
	waiting []*call
	living  []*Process
	arrived chan struct{}
	pick    *rand.Rand
	last    *Process
	// stay is how likely the process that had the last turn has the next one too, where it can.
	stay   float64
	pauses int
	count  int
	// done is told of each call that was carried out.
	done func(p *Process, name string)
	// struck is told of each mishap.
	struck func(p *Process, name string, m Mishap)
}

func newTurns(pick *rand.Rand) *turns {
	return &turns{arrived: make(chan struct{}, 1), pick: pick, stay: 0.6}
}

func (t *turns) signal() {
	select {
	case t.arrived <- struct{}{}:
	default:
	}
}

// enter waits for the turn of a call. Its error is the call's where it is not carried out.
func (p *Process) enter(name string, args ...any) error {
	t := p.turns
	t.mu.Lock()
	if p.dead {
		t.mu.Unlock()
		return errKilled
	}
	c := &call{of: p, name: name, args: args, turn: make(chan error, 1)}
	t.waiting = append(t.waiting, c)
	t.signal()
	t.mu.Unlock()
	return <-c.turn
}

// leave ends a call that was carried out; what it came to is err, unless a mishap follows.
func (p *Process) leave(name string, err error) error {
	t := p.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.dead {
		return errKilled
	}
	if t.done != nil {
		t.done(p, name)
	}
	if f := p.fault; f != nil && f.After {
		p.fault = nil
		return t.strike(p, name, *f)
	}
	return err
}

// strike has a mishap happen. t.mu is held.
func (t *turns) strike(p *Process, name string, m Mishap) error {
	t.struck(p, name, m)
	switch m.Kind {
	case MishapKill:
		t.kill(p)
		return errKilled
	case MishapTerm:
		p.cancel(Terminated{})
		return nil
	}
	return errAway
}

// Terminated is the cause of a context that a signal ended.
type Terminated struct{}

func (Terminated) Error() string { return "terminated" }

// kill has every call of the process fail from now on. t.mu is held.
func (t *turns) kill(p *Process) {
	p.dead = true
	p.cancel(errKilled)
	t.waiting = slices.DeleteFunc(t.waiting, func(c *call) bool {
		if c.of != p {
			return false
		}
		c.turn <- errKilled
		return true
	})
}

// next lets one call through. It returns false if none waits.
func (t *turns) next() bool {
	synctest.Wait()
	t.mu.Lock()
	if len(t.waiting) == 0 {
		t.mu.Unlock()
		return false
	}
	i := t.choose()
	c := t.waiting[i]
	t.waiting = slices.Delete(t.waiting, i, i+1)
	t.last = c.of
	t.count++
	p := c.of
	p.calls++
	var err error
	p.fault = nil
	for k := range p.plan {
		m := p.plan[k]
		if p.calls < m.At || p.calls >= m.At+max(1, m.For) || m.Kind == MishapAway && outside[c.name] {
			continue
		}
		if m.After {
			p.fault = &p.plan[k]
		} else if err = t.strike(p, c.name, m); err != nil {
			break
		}
	}
	t.mu.Unlock()
	c.turn <- err
	return true
}

// choose picks the call that is let through. The order in which calls of one moment came is chance; what they are is not.
func (t *turns) choose() int {
	if len(t.waiting) == 1 {
		return 0
	}
	same := t.last != nil && t.pick.Float64() < t.stay
	order := make([]int, 0, len(t.waiting))
	for i, c := range t.waiting {
		if !same || c.of == t.last {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		for i := range t.waiting {
			order = append(order, i)
		}
	}
	if len(order) == 1 {
		return order[0]
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := t.waiting[i], t.waiting[j]
		if c := cmp.Or(cmp.Compare(a.of.N, b.of.N), cmp.Compare(a.name, b.name)); c != 0 {
			return c
		}
		return cmp.Compare(a.words(), b.words())
	})
	return order[t.pick.IntN(len(order))]
}

func (c *call) words() string {
	if c.text == "" && len(c.args) > 0 {
		var b strings.Builder
		for _, a := range c.args {
			fmt.Fprintf(&b, "%v ", a)
		}
		c.text = b.String()
	}
	return c.text
}

// begin makes a process whose program is run; over tells what it ended with.
func (t *turns) begin(n int, args []string, who string, plan []Mishap, program func(ctx context.Context, p *Process)) *Process {
	ctx, cancel := context.WithCancelCause(context.Background())
	p := &Process{N: n, Args: args, Who: who, turns: t, cancel: cancel, ended: make(chan struct{}), plan: plan}
	t.mu.Lock()
	t.living = append(t.living, p)
	t.mu.Unlock()
	go func() {
		defer close(p.ended)
		program(ctx, p)
		cancel(nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		p.over, p.dead = true, true
		t.living = slices.DeleteFunc(t.living, func(other *Process) bool { return other == p })
		t.signal()
	}()
	return p
}

// until lets calls through until the moment, or until enough says so.
func (t *turns) until(at time.Time, enough func() bool) {
	for {
		if t.next() {
			if enough() {
				return
			}
			continue
		}
		if !time.Now().Before(at) {
			return
		}
		wait := time.NewTimer(time.Until(at))
		select {
		case <-t.arrived:
		case <-wait.C:
		}
		wait.Stop()
	}
}
