package decide_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
)

// A year of 2,000 mailboxes, of which 80 % send on every day between 8 and 18 o'clock and the others every tenth day. Each is
// revoked once, at any moment, and does not send from then on. deploy/EVIDENCE.md has the figures.
func TestAYearOfReusedTraffic(t *testing.T) {
	const (
		mailboxes, nights = 2000, 365
		day               = 24 * time.Hour
	)
	start := time.Date(2026, 1, 1, 2, 15, 0, 0, time.UTC)
	type figures struct {
		asked, spared int
		delays        []time.Duration
	}
	year := func(policy audit.ReuseTraffic) (all figures) {
		chance := rand.New(rand.NewPCG(22, 1))
		for i := range mailboxes {
			var sent time.Time
			every := 1
			if i%5 == 0 {
				every = 10
			}
			revoked := start.Add(day + time.Duration(chance.Int64N(int64((nights-5)*day))))
			st := audit.State{}
			for n := range nights {
				now := start.Add(time.Duration(n) * day)
				if decide.ByTraffic(policy, decide.Traffic{State: st, LastSentOKAt: sent, Fingerprint: "f", SameWay: true, Now: now}) {
					all.spared++
				} else {
					all.asked++
					if now.After(revoked) {
						all.delays = append(all.delays, now.Sub(revoked))
						break
					}
					st = audit.State{Settled: audit.Settled{Verdict: audit.Compliant}, Fingerprint: "f", AcceptedFingerprint: "f", AskedAt: now}
				}
				at := now.Truncate(day).Add(8*time.Hour + time.Duration(chance.Int64N(int64(10*time.Hour))))
				if (n+i)%every == 0 && at.Before(revoked) {
					sent = at
				}
			}
		}
		slices.Sort(all.delays)
		return all
	}
	for _, c := range []struct {
		name   string
		policy audit.ReuseTraffic
		least  float64 // share of the sign-ins not made
		worst  time.Duration
	}{
		{"off", audit.ReuseTraffic{AtMost: 72 * time.Hour}, 0, 24 * time.Hour},
		{"within 24h, at most 72h", audit.ReuseTraffic{Within: 24 * time.Hour, AtMost: 72 * time.Hour}, 0.5, 48 * time.Hour},
		{"within 24h, at most 168h", audit.ReuseTraffic{Within: 24 * time.Hour, AtMost: 168 * time.Hour}, 0.6, 48 * time.Hour},
	} {
		f := year(c.policy)
		share := float64(f.spared) / float64(f.asked+f.spared)
		median, worst := f.delays[len(f.delays)/2], f.delays[len(f.delays)-1]
		t.Logf("%s: %.1f %% of sign-ins not made, a revocation is found after %s (median), %s (worst)", c.name, share*100, median.Round(6*time.Minute), worst.Round(6*time.Minute))
		if share < c.least || worst > c.worst || len(f.delays) != mailboxes {
			t.Errorf("%s: %.3f of sign-ins not made, worst %s, %d of %d revocations found; want %.2f or more, %s or less, all", c.name, share, worst, len(f.delays), mailboxes, c.least, c.worst)
		}
	}
}
