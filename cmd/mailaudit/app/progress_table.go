package app

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"mailaudit/report"
)

const tableEvery = 500 * time.Millisecond

// drawProgress keeps a table at the foot of the terminal, a line for each provider, which goes when the run has ended.
// What is logged meanwhile stands above it: warnings alone, unless more was asked for.
func (a *App) drawProgress(ctx context.Context, key string, p *progress) {
	t := newProgressTable(mpb.WithOutput(a.Env.Stderr), mpb.WithRefreshRate(tableEvery))
	giveBack := a.terminal.lend(t.bars)
	defer giveBack()
	defer t.close()
	tick := time.NewTicker(tableEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			done, by := p.read()
			if all := max(done, a.planned(ctx, key)); all > 0 {
				t.update(done, all, by)
			}
		}
	}
}

// progressTable is a heading, a line for each provider that was asked, and a bar for the whole. To the library each line is
// a bar without a bar.
type progressTable struct {
	bars  *mpb.Progress
	whole *mpb.Bar
	lines map[string]*tableLine
}

type tableLine struct {
	bar  *mpb.Bar
	text atomic.Pointer[string]
}

const tableForm = "%-12s %8s %8s %10s"

func newProgressTable(options ...mpb.ContainerOption) *progressTable {
	return &progressTable{bars: mpb.New(append(options, mpb.WithWidth(80))...), lines: map[string]*tableLine{}}
}

// update shows what came of the providers' accounts, and how many are done of all.
func (t *progressTable) update(done, all int, by map[string]asked) {
	if len(by) > 0 {
		t.set("", fmt.Sprintf(tableForm, "PROVIDER", "VERIFIED", "FAILING", "UNVERIFIED"))
	}
	for name, n := range by {
		t.set(name, fmt.Sprintf(tableForm, name, report.Count(n.verified), report.Count(n.failing), report.Count(n.unverified)))
	}
	for i, name := range slices.Sorted(maps.Keys(t.lines)) { // the heading, which has no name, is the first
		t.lines[name].bar.SetPriority(i)
	}
	if t.whole == nil {
		t.whole = t.bars.New(0, mpb.BarStyle(), mpb.BarWidth(20), mpb.BarPriority(math.MaxInt),
			mpb.PrependDecorators(decor.Any(func(s decor.Statistics) string {
				return fmt.Sprintf("%s of %s ", report.Count(int(s.Current)), report.Number(int(s.Total), "account", "accounts"))
			})),
			mpb.AppendDecorators(decor.AverageSpeed(0, " %.0f/s"), decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8}), decor.Name(" left")))
	}
	t.whole.SetTotal(int64(all), false)
	t.whole.SetCurrent(int64(done))
}

func (t *progressTable) set(name, text string) {
	l := t.lines[name]
	if l == nil {
		l = &tableLine{}
		l.text.Store(&text)
		l.bar = t.bars.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return *l.text.Load() })))
		t.lines[name] = l
	}
	l.text.Store(&text)
}

// close takes the table away.
func (t *progressTable) close() {
	for _, l := range t.lines {
		l.bar.Abort(true)
	}
	if t.whole != nil {
		t.whole.Abort(true)
	}
	t.bars.Wait()
}
