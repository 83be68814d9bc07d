package decide_test

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

func TestByTraffic(t *testing.T) {
	now := time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)
	hours := func(n float64) time.Time { return now.Add(-time.Duration(n * float64(time.Hour))) }
	policy := audit.ReuseTraffic{Within: 24 * time.Hour, AtMost: 72 * time.Hour}
	spared := func() decide.Traffic {
		return decide.Traffic{Now: now, LastSentOKAt: hours(5), Fingerprint: "f", SameWay: true,
			State: audit.State{Settled: audit.Settled{Verdict: audit.Compliant}, Fingerprint: "f", AcceptedFingerprint: "f", AskedAt: hours(48)}}
	}
	for _, c := range []struct {
		name   string
		change func(*decide.Traffic, *audit.ReuseTraffic)
		want   bool
	}{
		{"the product sent five hours ago", func(*decide.Traffic, *audit.ReuseTraffic) {}, true},
		{"off", func(_ *decide.Traffic, p *audit.ReuseTraffic) { p.Within = 0 }, false},
		{"the product does not say", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.LastSentOKAt = time.Time{} }, false},
		{"it sent too long ago", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.LastSentOKAt = hours(24) }, false},
		{"it sent in four minutes: clocks", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.LastSentOKAt = now.Add(4 * time.Minute) }, true},
		{"it sent in six minutes: no proof", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.LastSentOKAt = now.Add(6 * time.Minute) }, false},
		{"a canary", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.Canary = true }, false},
		{"a held provider", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.Held = true }, false},
		{"the secret goes elsewhere now", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.SameWay = false }, false},
		{"a first run", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State = audit.State{} }, false},
		{"an open finding", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Settled.Verdict = audit.Revoked }, false},
		{"an ordinary password", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Settled.Verdict = audit.SingleFactor }, false},
		{"unproven is not compliant", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Settled.Verdict = audit.Unproven }, false},
		{"no answer last time", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.UnverifiedSince = hours(24) }, false},
		{"the customer waits for word", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Told.Step = 1 }, false},
		{"accepted between two runs", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Remedied = audit.Revoked }, false},
		{"refused between two runs", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Tried = "g" }, false},
		{"a changed secret", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.Fingerprint = "g" }, false},
		{"a secret that does not open", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.Fingerprint = "" }, false},
		{"another one was asked last", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.Fingerprint = "g" }, false},
		{"another one was accepted last", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.AcceptedFingerprint = "g" }, false},
		{"our own last sign-in is too long ago", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.AskedAt = hours(72) }, false},
		{"our own last sign-in is not known", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.AskedAt = time.Time{} }, false},
		{"our own last sign-in is to come", func(c *decide.Traffic, _ *audit.ReuseTraffic) { c.State.AskedAt = hours(-1) }, false},
	} {
		traffic, p := spared(), policy
		c.change(&traffic, &p)
		if got := decide.ByTraffic(p, traffic); got != c.want {
			t.Errorf("%s: spared %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSparedIsAskedWhereAnAcceptanceMeansSomethingElseToday(t *testing.T) {
	st := audit.State{Settled: audit.Settled{Verdict: audit.Compliant, Rule: "google/accepted"}}
	r, ok := decide.Spared(audit.Result{}, st, audit.Judgement{Verdict: audit.Compliant, TwoFactor: providers.TwoFactorShown})
	if !ok || !r.Traffic || r.Rule != "google/accepted" || r.TwoFactor != providers.TwoFactorShown || !r.Heard().IsZero() {
		t.Errorf("spared %v: %+v", ok, r)
	}
	if _, ok := decide.Spared(audit.Result{}, st, audit.Judgement{Verdict: audit.SingleFactor}); ok {
		t.Error("a secret that is an ordinary password by today's rules is not asked")
	}
}
