// Package bench measures what a night costs beside what it cannot do without, the conversations themselves,
// and beside what people would write instead. make bench prints the table that deploy/BENCHMARKS.md keeps.
package bench

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	accounts = flag.Int("accounts", 0, "how many accounts a night has; 0 skips the benchmark")
	width    = flag.Int("width", 32, "conversations at once")
	rounds   = flag.Int("rounds", 3, "how often everything is measured, in turns")
	latency  = flag.Duration("latency", 0, "how long the simulated provider thinks before each answer")
	only     = flag.String("only", "", "the contenders to measure, separated by commas; default all")
	program  = flag.String("program", "", "the mailaudit to measure; default: built from this source")
)

// TestMain lets the test binary be the simulated provider and the bare loop, so that each has a process and
// a CPU account of its own.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case simulatorRole:
		exitOn(simulate())
	case bareRole:
		exitOn(bare())
	}
}

const (
	roleVariable  = "MAILAUDIT_BENCH_ROLE"
	simulatorRole = "simulator"
	bareRole      = "bare"
)

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// contender asks all accounts once.
type contender struct {
	name string
	once func(t *testing.T, round int) usage
}

// TestNight prints what each contender used for the same accounts. Rounds go in turns, so that what else the
// machine does meets all alike; the median round counts.
func TestNight(t *testing.T) {
	if *accounts == 0 {
		t.Skip("make bench runs it")
	}
	s := newStage(t)
	used := map[string][]usage{}
	all := slices.DeleteFunc(s.contenders(t), func(c contender) bool {
		return *only != "" && !slices.Contains(strings.Split(*only, ","), c.name)
	})
	for round := range *rounds {
		for _, c := range all {
			u := c.once(t, round)
			used[c.name] = append(used[c.name], u)
			t.Logf("round %d, %s: %s", round+1, c.name, u)
		}
	}
	resumed := s.simulator.close(t)
	t.Logf("the simulated provider counted %+v", resumed)
	fmt.Print(table(all, used))
}

func table(all []contender, used map[string][]usage) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d accounts, %d at once, median of %d\tCPU s\tµs an account\ttimes the bare loop\twall s\tpeak MiB\tdatabase CPU s\t\n", *accounts, *width, *rounds)
	base := median(used[bareRole], usage.cpu)
	for _, c := range all {
		u := used[c.name]
		cpu := median(u, usage.cpu)
		fmt.Fprintf(w, "%s\t%.2f\t%.0f\t%.2f\t%.1f\t%.0f\t%.2f\t\n", c.name, cpu.Seconds(), float64(cpu.Microseconds())/float64(*accounts),
			cpu.Seconds()/base.Seconds(), median(u, func(u usage) time.Duration { return u.wall }).Seconds(),
			float64(slices.MaxFunc(u, func(x, y usage) int { return x.peak - y.peak }).peak)/1024,
			median(u, func(u usage) time.Duration { return u.database }).Seconds())
	}
	w.Flush()
	return b.String()
}

func median(all []usage, of func(usage) time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	values := make([]time.Duration, len(all))
	for i, u := range all {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
