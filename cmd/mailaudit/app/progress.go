package app

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"mailaudit/audit"
)

const (
	progressEvery = 500 * time.Millisecond
	plainEvery    = 15 * time.Second
)

// progress counts results as they come.
type progress struct {
	mu    sync.Mutex
	total int
	by    map[string]int
}

func (p *progress) observe(r audit.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total++
	p.by[r.Provider]++
}

func (p *progress) read() (int, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	for name, n := range p.by {
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	sort.Strings(parts)
	return p.total, strings.Join(parts, ", ")
}

// ShowProgress shows how a run comes along: a line that renews itself on a terminal, log lines elsewhere.
// The function that it returns ends the showing; it may be called again.
func (a *App) ShowProgress(ctx context.Context, key string) func() {
	p := &progress{by: map[string]int{}}
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
			a.Log.Info("progress", "run", key, "verified", n, "accounts", a.planned(ctx, key), "by", by,
				"per_second", fmt.Sprintf("%.1f", float64(n)/time.Since(started).Seconds()))
		}
	}
}

func (a *App) drawProgress(ctx context.Context, key string, p *progress) {
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(a.Env.Stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("accounts"), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(20), progressbar.OptionThrottle(progressEvery))
	defer bar.Finish()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n, by := p.read()
			if total := a.planned(ctx, key); total > 0 {
				bar.ChangeMax(total)
			}
			bar.Describe(by)
			_ = bar.Set(n)
		}
	}
}
