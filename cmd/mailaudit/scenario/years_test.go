package scenario

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mailaudit/cmd/mailaudit/years"
	"mailaudit/cmd/mailaudit/years/observe"
	"mailaudit/cmd/mailaudit/years/oracle"
)

// Variables that make years sets.
const (
	yearsNights  = "YEARS_NIGHTS"  // how many, over all worlds
	yearsMinutes = "YEARS_MINUTES" // or as many as so many minutes bring
	yearsSeed    = "YEARS_SEED"    // of the first world, and the only one if yearsRecipe is set
	yearsRecipe  = "YEARS_RECIPE"  // of a script that was made small, see Script.Recipe
	yearsStore   = "YEARS_STORE"   // "postgres" instead of the database in memory
	yearsShrink  = "YEARS_SHRINK"  // seconds that are spent on making a failure small
	yearsTrace   = "YEARS_TRACE"   // not empty: what happens is printed, for one world
	yearsFailing = "YEARS_FAILING" // of so many worlds that fail, no more are played (3)
	yearsWorld   = "YEARS_WORLD"   // how many nights a world lasts (100)
	yearsLong    = "YEARS_LONG"    // not empty: another seed each time, and everything that there is must be met
)

// aWorld is how many nights a world lasts.
var aWorld = func() int {
	if n, err := strconv.Atoi(os.Getenv(yearsWorld)); err == nil {
		return n
	}
	return 100
}()

// bornWith are promises that are seen broken and not kept yet, by the oracle's rule, and why. They end no play; each
// leaves this list with the change that keeps it.
var bornWith = map[string]string{
	"told once":           "not looked into yet: a reminder of which nobody heard, a first notice after three reminders",
	"nobody is forgotten": "not looked into yet",
}

// yearsPlay is one call of the test.
type yearsPlay struct {
	t     *testing.T
	host  *yearsHost
	cover *years.Coverage

	mu      sync.Mutex
	nights  int
	calls   int
	failing int
}

// onlyInMakeYears leaves a test to make years.
func onlyInMakeYears(t *testing.T) {
	t.Helper()
	if os.Getenv(yearsNights)+os.Getenv(yearsMinutes)+os.Getenv(yearsSeed)+os.Getenv(yearsRecipe) == "" {
		t.Skip("make years plays them: some promises are still seen broken, see bornWith, and a short form is too slow yet")
	}
}

// Years of nights keep every promise, whatever customers, providers, people and crashes do.
func TestYears(t *testing.T) {
	onlyInMakeYears(t)
	t.Parallel()
	p := &yearsPlay{t: t, host: newYearsHost(t), cover: &years.Coverage{}}
	if os.Getenv(yearsStore) == "postgres" {
		p.host.overPostgres(t)
	}
	seed := uint64(1)
	if text := os.Getenv(yearsSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	} else if os.Getenv(yearsLong) != "" {
		seed = uint64(time.Now().Unix())
	}
	if recipe := os.Getenv(yearsRecipe); recipe != "" {
		script, err := years.NewScript(seed, aWorld).Follow(recipe)
		if err != nil {
			t.Fatal(err)
		}
		p.one(t, script)
		return
	}
	nights := number(t, yearsNights, 500)
	if os.Getenv(yearsSeed) != "" && os.Getenv(yearsNights) == "" {
		nights = aWorld
	}
	until := time.Now().Add(time.Duration(number(t, yearsMinutes, 24*60)) * time.Minute)
	if os.Getenv(yearsMinutes) != "" && os.Getenv(yearsSeed) == "" {
		nights = 1 << 30
	}
	began, cpu := time.Now(), cpuTime()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				p.mu.Lock()
				mine, over := seed, p.nights >= nights || time.Now().After(until) || p.failing > number(p.t, yearsFailing, 3)
				seed++
				p.nights += aWorld
				p.mu.Unlock()
				if over {
					return
				}
				p.world(mine)
			}
		})
	}
	group.Wait()
	p.nights -= 2 * aWorld // of those that were over
	took := time.Since(began)
	t.Logf("%d nights in %v: %.1f a second, %.1f a second of CPU; %d turns; seeds up to %d", p.nights, took.Round(time.Second),
		float64(p.nights)/took.Seconds(), float64(p.nights)/(cpuTime()-cpu).Seconds(), p.calls, seed)
	for _, rule := range slices.Sorted(maps.Keys(bornWith)) {
		t.Logf("borne with %d times: %s (%s)", p.cover.Count("violation "+rule), rule, bornWith[rule])
	}
	if os.Getenv(yearsLong) != "" && os.Getenv(yearsSeed) == "" {
		p.cover.Write(os.Stdout)
		if missing := p.cover.Missing(years.Expected(os.Getenv(yearsStore))); len(missing) > 0 {
			t.Errorf("never met:\n\t%s", strings.Join(missing, "\n\t"))
		}
	}
}

// world plays the script of a seed, and a smaller one if it fails.
func (p *yearsPlay) world(seed uint64) {
	script := years.NewScript(seed, aWorld)
	result := p.play(script, nil)
	p.mu.Lock()
	p.nights += result.Nights - aWorld
	p.calls += result.Calls
	if len(result.Violations) > 0 {
		p.failing++
	}
	p.mu.Unlock()
	if len(result.Violations) == 0 {
		return
	}
	rule := result.Violations[0].Rule
	small := years.Shrink(script.First(result.Nights), func(s years.Script) bool {
		for _, v := range p.play(s, nil).Violations {
			if v.Rule == rule {
				return true
			}
		}
		return false
	}, time.Duration(number(p.t, yearsShrink, 60))*time.Second)
	p.t.Errorf("seed %d: %v\nplayed again by %s=%d %s=%s make years\n%v", seed, result.Violations[0], yearsSeed, seed, yearsRecipe, small.Recipe(), small)
}

// one plays a script, and says what happens if that is asked for.
func (p *yearsPlay) one(t *testing.T, script years.Script) {
	var tell func(string)
	if os.Getenv(yearsTrace) != "" {
		tell = func(line string) { fmt.Println(line) }
	}
	result := p.play(script, tell)
	for _, v := range result.Violations {
		t.Errorf("%s: %s", v.Rule, v.Text)
	}
}

// play plays a script in a bubble of its own. What goes wrong with the play itself is a violation too.
func (p *yearsPlay) play(script years.Script, tell func(string)) (result years.Result) {
	opt := years.Options{Coverage: p.cover, Watch: oracle.New(), Shows: 5, Packs: 50, Bear: func(v observe.Violation) bool {
		if bornWith[v.Rule] != "" {
			p.t.Logf("borne with in seed %d: %s: %s", script.Seed, v.Rule, v.Text)
		}
		return bornWith[v.Rule] != ""
	}}
	if tell != nil {
		opt.Trace = tell
	}
	world, done := p.host.own(p.t)
	defer done()
	synctest.Test(p.t, func(t *testing.T) {
		var err error
		if result, err = years.Play(world.in(t), script, opt); err != nil && len(result.Violations) == 0 {
			result.Violations = []observe.Violation{{Rule: "the play goes on", Text: err.Error()}}
		}
	})
	return result
}

// Whatever keeps the nights, they are the same: the same reports, the same mails, the same commands' words.
func TestYearsAreTheSameOnBothDatabases(t *testing.T) {
	onlyInMakeYears(t)
	t.Parallel()
	h := newYearsHost(t)
	over := newYearsHost(t)
	over.keys, over.keyset = h.keys, h.keyset
	over.overPostgres(t)
	play := func(on *yearsHost, seed uint64) (told []string) {
		world, done := on.own(t)
		defer done()
		synctest.Test(t, func(t *testing.T) {
			_, err := years.Play(world.in(t), years.NewScript(seed, aWorld).Quiet(), years.Options{Shows: 5, Alone: true, Tell: func(o observe.Observation) {
				if text := sameEverywhere(o); text != "" {
					told = append(told, text)
				}
			}})
			if err != nil {
				t.Error(err)
			}
		})
		return told
	}
	first := uint64(number(t, yearsSeed, 0))
	for seed := first; seed < first+uint64(number(t, "YEARS_SAME", 1)); seed++ {
		embedded, server := play(h, seed), play(over, seed)
		for i := range max(len(embedded), len(server)) {
			if i >= min(len(embedded), len(server)) || embedded[i] != server[i] {
				if dir := os.Getenv(yearsTrace); dir != "" { // both tales, for diff
					keep(t, filepath.Join(dir, fmt.Sprint(seed, "-sqlite")), embedded)
					keep(t, filepath.Join(dir, fmt.Sprint(seed, "-postgres")), server)
				}
				t.Errorf("seed %d parts:\n%.3000s\n%.3000s", seed, embedded[min(i, len(embedded)-1)], server[min(i, len(server)-1)])
				break
			}
		}
	}
}

func keep(t *testing.T, path string, lines []string) {
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Error(err)
	}
}

// chainHead is a link of the chain of records. The configuration's digest is in it, and so the database's name.
var chainHead = regexp.MustCompile(`\bhead [0-9a-f]{64}`)

// sameEverywhere writes what must be the same whatever keeps it; "" for the rest.
func sameEverywhere(o observe.Observation) string {
	switch w := o.What.(type) {
	case observe.SlackCall:
		w.Raw, w.Text = nil, chainHead.ReplaceAllString(w.Text, "head")
		return fmt.Sprintf("%v %d %T %+v", o.At, o.Process, w, w)
	case observe.CommandEnded:
		if w.Args[0] == "evidence" {
			w.Stdout = "" // the chain is in it
		}
		return fmt.Sprintf("%v %d %T %+v", o.At, o.Process, w, w)
	case observe.Shown:
		return fmt.Sprintf("%v %d %s of %s: %s %s", o.At, o.Process, w.Form, w.Subject, w.Body, w.Error)
	case observe.Mail, observe.SignIn:
		return fmt.Sprintf("%v %d %T %+v", o.At, o.Process, w, w)
	case observe.Database:
		w.Status = nil // a view that PostgreSQL alone has
		return fmt.Sprintf("%v %+v", o.At, w)
	}
	return ""
}

// A failure can be played again: nothing of a play is chance but what its seed decides.
func TestTheSameSeedPlaysTheSameYears(t *testing.T) {
	onlyInMakeYears(t)
	t.Parallel()
	h := newYearsHost(t)
	play := func(seed uint64) (told []string) {
		synctest.Test(t, func(t *testing.T) {
			_, err := years.Play(h.in(t), years.NewScript(seed, 30).First(12), years.Options{Shows: 5, Tell: func(o observe.Observation) {
				told = append(told, fmt.Sprintf("%d %v %d %T %+v", o.N, o.At, o.Process, o.What, o.What))
			}})
			if err != nil {
				t.Log(err)
			}
		})
		return told
	}
	for seed := range uint64(number(t, "YEARS_SAME", 2)) {
		one, other := play(seed), play(seed)
		for i := range min(len(one), len(other)) {
			if one[i] != other[i] {
				t.Fatalf("seed %d parts at observation %d:\n%.2000s\n%.2000s", seed, i, one[i], other[i])
			}
		}
		if len(one) != len(other) {
			t.Fatalf("seed %d: %d observations and %d", seed, len(one), len(other))
		}
	}
}

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) //nolint:errcheck // there is nothing that could be wrong with that
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
