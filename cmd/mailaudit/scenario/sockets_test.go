package scenario

import (
	"fmt"
	"os"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// How much of what a provider bears a night makes use of, on real sockets: MAILAUDIT_PACE=1, or make pace.
// What the machine itself costs counts against it: it must have nothing else to do.

const conversationTime = 100 * time.Millisecond

// used is what a night made of a provider.
type used struct {
	share   float64 // of what it bears, from its first conversation to its last
	refused float64 // share of the connections
	took    time.Duration
}

// lookedAt is how many conversations preflight holds with a provider before the accounts are asked. It waits
// for one that hangs as long as network.timeout, once a night.
const lookedAt = 1

// crowd imports n accounts at gmail.com, and hung at yahoo.com.
func crowd(t *testing.T, n, hung int) (s *scene, google, yahoo *sim.Server) {
	t.Helper()
	s = newScene(t)
	google, yahoo = s.play(sim.Google(), sim.Mood{}), s.play(sim.Yahoo(), sim.Mood{At: map[sim.Step]sim.Act{sim.AtConnect: sim.Hang()}})
	s.settings["providers"] = `{google: {max_concurrency: 64, max_rate: 1000/s}, yahoo: {max_concurrency: 64, max_rate: 1000/s}}`
	s.settings["retry_after"] = "4h"
	rows := make([]row, 0, n+hung)
	for i := range n + hung {
		domain := "gmail.com"
		if i >= n {
			domain = "yahoo.com"
		}
		login := fmt.Sprintf("front%05d@%s", i, domain)
		s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{clinicSecret}, TwoFactor: true})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%05d", i), "tenant_id": "T-1", "address": login, "secret": clinicSecret})
	}
	s.install(rows...)
	return s, google, yahoo
}

// measured runs a night and watches what is under way at the server.
func (s *scene) measured(server *sim.Server, capacity int) (u used) {
	s.t.Helper()
	server.SetMood(sim.Mood{Capacity: capacity, AuthLatency: conversationTime})
	before, stop, stopped := server.Counters(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var first, last, seen time.Time
		var atLast, busy time.Duration // conversations times time under way
		for {
			select {
			case <-stop:
				u.took = last.Sub(first)
				u.share = float64(atLast) / float64(u.took) / float64(capacity)
				return
			case now := <-tick.C:
				c := server.Counters()
				n := c.Served
				if n > 0 && first.IsZero() && c.Connections-before.Connections > lookedAt {
					first, seen = now, now
				}
				if first.IsZero() {
					continue
				}
				busy += time.Duration(n) * now.Sub(seen)
				if seen = now; n > 0 {
					last, atLast = now, busy
				}
			}
		}
	}()
	s.done("run")
	close(stop)
	<-stopped
	n := server.Counters()
	u.refused = float64(n.Over-before.Over) / float64(n.Connections-before.Connections)
	s.t.Logf("bears %d: %.1f%% used in %v, %.2f%% of %d connections refused", capacity, 100*u.share, u.took.Round(time.Millisecond), 100*u.refused, n.Connections-before.Connections)
	return u
}

func TestWhatAProviderBearsIsUsed(t *testing.T) {
	if os.Getenv("MAILAUDIT_PACE") == "" {
		t.Skip("takes minutes, and a machine of its own: make pace")
	}
	for capacity, accounts := range map[int]int{25: 6000, 7: 2000} {
		s, google, _ := crowd(t, accounts, 0)
		if u := s.measured(google, capacity); u.share < 0.90 || u.refused > 0.005 {
			t.Errorf("bears %d: %+v", capacity, u)
		}
		// Who was turned away has a second try, for which this night does not wait.
		if r := s.report(""); r.Verdicts["compliant"] < accounts*995/1000 {
			t.Errorf("bears %d: %v", capacity, r.Verdicts)
		}
	}
}

func TestAHangingProviderDelaysNobody(t *testing.T) {
	if os.Getenv("MAILAUDIT_PACE") == "" {
		t.Skip("takes minutes, and a machine of its own: make pace")
	}
	var alone, among time.Duration // the best of three each, in turn, for the machine has moods
	for range 3 {
		one, server, _ := crowd(t, 4000, 0)
		alone = shorter(alone, one.measured(server, 25).took)
		two, server, _ := crowd(t, 4000, 400)
		among = shorter(among, two.measured(server, 25).took)
	}
	if slower := float64(among)/float64(alone) - 1; slower > 0.05 {
		t.Errorf("%.1f%% slower beside one that hangs", 100*slower)
	}
}

func shorter(best, took time.Duration) time.Duration {
	if best == 0 {
		return took
	}
	return min(best, took)
}
