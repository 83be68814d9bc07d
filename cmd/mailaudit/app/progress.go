package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"mailaudit/audit"
)

const plainEvery = 15 * time.Second

// asked is what came of a provider's accounts so far.
type asked struct{ verified, failing, unverified int }

func (a asked) total() int { return a.verified + a.unverified }

// progress counts results as they come.
type progress struct {
	mu sync.Mutex
	by map[string]asked
}

func (p *progress) observe(r audit.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.by[r.Provider]
	if r.Try > 1 && n.unverified > 0 {
		n.unverified-- // the first try's
	}
	switch {
	case r.Verdict == audit.Unverified:
		n.unverified++
	case r.Verdict.Failing():
		n.failing++
		fallthrough
	default:
		n.verified++
	}
	p.by[r.Provider] = n
}

// read gives what came so far, the whole of it and by provider.
func (p *progress) read() (int, map[string]asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := 0
	for _, n := range p.by {
		total += n.total()
	}
	return total, maps.Clone(p.by)
}

// ShowProgress shows how a run comes along: a table that renews itself on a terminal, log lines elsewhere.
// The function that it returns ends the showing; it may be called again.
func (a *App) ShowProgress(ctx context.Context, key string) func() {
	p := &progress{by: map[string]asked{}}
	a.Auditor.Night.Observe = p.observe
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	show := a.logProgress
	if IsTerminal(a.Env.Stderr) {
		show = a.drawProgress
	}
	go func() {
		defer close(done)
		show(ctx, key, p)
	}()
	return func() { cancel(); <-done }
}

func (a *App) planned(ctx context.Context, key string) int {
	run, err := a.Store.LoadRun(ctx, key)
	if err != nil {
		return 0
	}
	return run.Accounts
}

func (a *App) logProgress(ctx context.Context, key string, p *progress) {
	tick := time.NewTicker(plainEvery)
	defer tick.Stop()
	started := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n, by := p.read()
			a.Log.Info("progress", "run", key, "asked", n, "accounts", a.planned(ctx, key), "by", inOneLine(by),
				"per_second", fmt.Sprintf("%.1f", float64(n)/time.Since(started).Seconds()))
		}
	}
}

func inOneLine(by map[string]asked) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, by[name].total()))
	}
	return strings.Join(parts, ", ")
}
