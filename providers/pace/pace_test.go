package pace

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"mailaudit/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server bears capacity conversations at once and refuses the rest within a few milliseconds.
type server struct {
	mu                      sync.Mutex
	capacity                func() int
	perSecond               int // starts in any second; 0: any
	starts                  []time.Time
	open, refused, answered int
	busy                    time.Duration // conversations times their length
}

func (s *server) ask(length time.Duration) Feedback {
	s.mu.Lock()
	now := time.Now()
	for len(s.starts) > 0 && now.Sub(s.starts[0]) >= time.Second {
		s.starts = s.starts[1:]
	}
	if s.open >= s.capacity() || s.perSecond > 0 && len(s.starts) >= s.perSecond {
		s.refused++
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		return Feedback{Outcome: Throttled}
	}
	s.starts = append(s.starts, now)
	s.open++
	s.mu.Unlock()
	time.Sleep(length)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	s.answered++
	s.busy += length
	return Feedback{Outcome: Answered}
}

// night asks for accounts until each is answered, and tells how long it took.
func night(t *testing.T, p *Pacer, s *server, accounts, workers int, length func() time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	todo := make(chan struct{}, accounts)
	for range accounts {
		todo <- struct{}{}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range workers {
		wg.Go(func() {
			for range todo {
				release, err := p.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				f := s.ask(length())
				release(f)
				if f.Outcome != Answered {
					todo <- struct{}{}
					continue
				}
				mu.Lock()
				if done++; done == accounts {
					close(todo)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// Nine tenths of what a provider bears are used, and one connection in two hundred is refused.
func TestAllowanceIsUsed(t *testing.T) {
	const accounts = 6000
	steady := func() time.Duration { return 100 * time.Millisecond }
	varied := func() time.Duration { return time.Duration(50+rand.IntN(100)) * time.Millisecond }
	for _, tt := range []struct {
		name          string
		capacity, max int
		length        func() time.Duration
	}{
		{"25", 25, 64, steady}, {"25 varied", 25, 64, varied}, {"25 of 30", 25, 30, varied},
		{"7", 7, 64, steady}, {"7 varied", 7, 64, varied}, {"3 varied", 3, 20, varied}, {"50 varied", 50, 200, varied},
		{"the operator's limit", 100, 20, varied}, {"one", 1, 1, varied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Limits{MaxConcurrency: tt.max})
				s := &server{capacity: func() int { return tt.capacity }}
				took := night(t, p, s, accounts, tt.max, tt.length)
				used := s.busy.Seconds() / took.Seconds() / float64(min(tt.capacity, tt.max))
				refused := float64(s.refused) / float64(accounts+s.refused)
				t.Logf("%.1f%% used, %.2f%% refused, limit %d", 100*used, 100*refused, p.State().Limit)
				if used < 0.9 || refused > 0.005 {
					t.Errorf("%.1f%% used, %.2f%% refused", 100*used, 100*refused)
				}
			})
		})
	}
}

func TestCapacityThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &server{capacity: func() int {
			switch since := time.Since(start); {
			case since < 30*time.Second:
				return 20
			case since < 60*time.Second:
				return 5
			}
			return 20
		}}
		p := New(Limits{MaxConcurrency: 40})
		took := night(t, p, s, 20000, 40, func() time.Duration { return 100 * time.Millisecond })
		refused := float64(s.refused) / 20000
		t.Logf("took %s, %.2f%% refused, limit %d", took, 100*refused, p.State().Limit)
		if refused > 0.01 || p.State().Limit < 18 || p.State().Limit > 21 {
			t.Errorf("%.2f%% refused, limit %d", 100*refused, p.State().Limit)
		}
	})
}

// A provider that counts starts, whatever the concurrency, is asked at nearly the pace that it bears.
func TestStartsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{capacity: func() int { return 100 }, perSecond: 4}
		p := New(Limits{MaxConcurrency: 10})
		took := night(t, p, s, 2000, 10, func() time.Duration { return 100 * time.Millisecond })
		used := 2000 / took.Seconds() / 4
		refused := float64(s.refused) / float64(2000+s.refused)
		t.Logf("%.1f%% used, %.2f%% refused, gap %s", 100*used, 100*refused, p.State().Gap)
		if used < 0.6 || refused > 0.03 {
			t.Errorf("%.1f%% used, %.2f%% refused", 100*used, 100*refused)
		}
	})
}

// A provider that refuses everything for a quarter of an hour is left in peace, and found again after.
func TestNothingIsBorneForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &server{capacity: func() int {
			if since := time.Since(start); since > 10*time.Second && since < 15*time.Minute {
				return 0
			}
			return 10
		}}
		p := New(Limits{MaxConcurrency: 20})
		took := night(t, p, s, 3000, 20, func() time.Duration { return 100 * time.Millisecond })
		t.Logf("took %s, %d refused, limit %d", took, s.refused, p.State().Limit)
		if s.refused > 50 {
			t.Errorf("%d refused", s.refused)
		}
		if took > 30*time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{capacity: func() int { return 1000 }}
		p := New(Limits{MaxConcurrency: 100, MaxRate: 2})
		took := night(t, p, s, 100, 100, func() time.Duration { return 10 * time.Millisecond })
		if took < 49*time.Second || took > 52*time.Second {
			t.Errorf("100 starts at 2 a second took %s", took)
		}
	})
}

func TestOwnWaitingTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Limits{MaxConcurrency: 4})
		release, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release(Feedback{Outcome: Throttled, Wait: 10 * time.Minute})
		release(Feedback{Outcome: Throttled, Wait: time.Hour}) // the second word changes nothing
		start := time.Now()
		release, err = p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release(Feedback{Outcome: Answered})
		if waited := time.Since(start); waited != 10*time.Minute {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Limits{MaxConcurrency: 4})
		dead := true
		probes := 0
		begin := time.Now()
		for range 40 {
			release, err := p.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			probes++
			if time.Since(begin) > 10*time.Minute {
				dead = false
			}
			if dead {
				release(Feedback{Outcome: Unreachable})
				continue
			}
			release(Feedback{Outcome: Answered})
		}
		if dead || p.State().Open || probes != 40 {
			t.Errorf("dead %v, open %v", dead, p.State().Open)
		}
	})
	t.Run("opens", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := New(Limits{MaxConcurrency: 4})
			for range unreachableRun {
				release, err := p.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				release(Feedback{Outcome: Unreachable})
			}
			if !p.State().Open {
				t.Fatal("a run of failures left it closed")
			}
			release, err := p.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			second, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			got := make(chan error, 1)
			go func() {
				r, err := p.Acquire(second)
				if err == nil {
					r(Feedback{Outcome: Answered})
				}
				got <- err
			}()
			time.Sleep(30 * time.Minute)
			if s := p.State(); s.InFlight != 1 || s.Waiting != 1 {
				t.Errorf("beside the probe: %+v", s)
			}
			release(Feedback{Outcome: Nothing}) // a probe that was cancelled is followed by another
			if err := <-got; err != nil {
				t.Error(err)
			}
			if p.State().Open {
				t.Error("an answer left it open")
			}
		})
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Limits{MaxConcurrency: 1})
		release, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := p.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		release(Feedback{Outcome: Answered})
		if s := p.State(); s.InFlight != 0 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestOf(t *testing.T) {
	reply := func(stage providers.Stage, code int) providers.Conversation {
		return providers.Conversation{Reply: providers.Reply{Stage: stage, Code: code}}
	}
	for _, tt := range []struct {
		name string
		c    providers.Conversation
		r    providers.Reading
		want Outcome
	}{
		{"accepted", reply(providers.StageAuth, 235), providers.Reading{Class: providers.Accepted}, Answered},
		{"refused", reply(providers.StageAuth, 535), providers.Reading{Class: providers.CredentialRejected}, Answered},
		{"Yahoo's first refusal", reply(providers.StageAuth, 535), providers.Reading{Class: providers.CredentialRejected}, Answered},
		{"too many log-ins", reply(providers.StageAuth, 454), providers.Reading{Class: providers.Throttled}, Throttled},
		{"backend down", reply(providers.StageAuth, 454), providers.Reading{Class: providers.Temporary}, Answered},
		{"421 at the door", reply(providers.StageGreeting, 421), providers.Reading{Class: providers.Unknown}, Throttled},
		{"432", reply(providers.StageAuth, 432), providers.Reading{Class: providers.Unknown}, Throttled},
		{"refused connection", providers.Conversation{Fault: providers.FaultConnect}, providers.Reading{}, Unreachable},
		{"silence", providers.Conversation{Fault: providers.FaultTimeout}, providers.Reading{}, Unreachable},
		{"closed", providers.Conversation{Fault: providers.FaultDropped}, providers.Reading{}, Unreachable},
		{"certificate", providers.Conversation{Fault: providers.FaultTLSName}, providers.Reading{}, Answered},
		{"cancelled", providers.Conversation{Fault: providers.FaultCancelled}, providers.Reading{}, Nothing},
		{"ours", providers.Conversation{Fault: providers.FaultOurs}, providers.Reading{}, Nothing},
		{"name service", providers.Conversation{Fault: providers.FaultDNS}, providers.Reading{}, Nothing},
	} {
		if got := Of(tt.c, tt.r).Outcome; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
