package app

import (
	"io"
	"net/http"
	"time"
)

// Env is what a run of the program takes from its process, so that tests can give it another.
type Env struct {
	LookupEnv func(string) (string, bool)
	Stdout    io.Writer
	Stderr    io.Writer
	Now       func() time.Time // nil: time.Now

	// World puts another in the place of all that lies outside the process; nil: what is configured.
	World *World
}

// World is what the program reaches beyond its process, as a test plays it.
type World struct {
	Parts     func(s *Setup) Parts
	Transport http.RoundTripper // for everything that is reached by HTTP
	Look      time.Duration     // how often the agenda and the run are looked at
}

// transport reaches HTTP servers; nil is net/http's own.
func (s *Env) transport() http.RoundTripper {
	if s.World != nil {
		return s.World.Transport
	}
	return nil
}

// machineClock is the clock that preflight compares with others'. It is this machine's own even where a command
// plays at another time; in a world, whose machines may be wrong, it is the process's.
func (s *Env) machineClock() func() time.Time {
	if s.World != nil {
		return s.clock()
	}
	return time.Now
}

// look is how often the agenda and the run are looked at.
func (s *Env) look() time.Duration {
	if s.World != nil {
		return s.World.Look
	}
	return lookEvery
}

// clock is the time that the process goes by.
func (s *Env) clock() func() time.Time {
	if s.Now != nil {
		return s.Now
	}
	return time.Now
}
