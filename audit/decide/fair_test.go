package decide

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"mailaudit/audit"
)

// Eleven of one tenant are that tenant's affair, eleven of eleven are a spike and an outage.
func TestOneTenantSpeaksForHimselfAlone(t *testing.T) {
	hostile := audit.Count{Accounts: 250, NewlyFailing: 250, Answering: 250, Lost: 250}
	for name, c := range map[string]struct {
		others, failing, lost int
		held                  bool
		void                  Void
	}{
		"quiet customers":              {300, 0, 0, false, ""},
		"a few of them fail":           {300, 3, 0, false, ""},
		"as many as are normal":        {300, 9, 0, false, ""},
		"more than are normal":         {300, 11, 0, true, ""},
		"a few of them lost":           {300, 0, 10, false, ""},
		"a fifth of them, and his own": {300, 0, 60, false, VoidChanges},
		"a sixth of them":              {300, 0, 50, false, ""},
		"a small provider":             {5, 1, 0, false, ""},
		"a small provider that spikes": {5, 4, 0, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tally := apart(c.others, c.failing, c.lost)
			failing := hostile
			failing.Lost = 0
			if c.lost > 0 {
				failing = hostile
				failing.NewlyFailing = 0
			}
			tally.AddTenant("hostile", failing)
			if r := Rule(defaultLimits, tally); r.Held != c.held || r.Void != c.void {
				t.Errorf("held %v void %q, want %v %q: %s%s", r.Held, r.Void, c.held, c.void, r.Why, r.HeldWhy)
			}
		})
	}
}

// Where hosts have nothing to do with each other, the dead names of one tenant are one among many; a host that several
// share is down whoever is there.
func TestDeadNamesOfOneTenantVoidNobody(t *testing.T) {
	world := func(dead int) audit.Tally {
		tally := audit.Tally{Hosts: map[string]audit.HostTally{}}
		add := func(host, tenant string, c audit.Count) {
			tally.AddTenant(tenant, c)
			tally.AddHost(host, tenant, c, false)
		}
		for i := range 40 {
			c := audit.Count{Accounts: 1, Answering: 1}
			if i < dead {
				c.Lost = 1
			}
			add(fmt.Sprintf("m%d.example", i), strconv.Itoa(i), c)
		}
		for i := range 250 {
			add(fmt.Sprintf("h%d.hostile.example", i), "hostile", audit.Count{Accounts: 1, Answering: 1, Lost: 1})
		}
		for i := range 200 { // he is at somebody else's host, too
			add("m39.example", "hostile", audit.Count{Accounts: i % 2, Answering: i % 2, Lost: i % 2})
		}
		return tally
	}
	if r := Rule(defaultLimits, world(3)); r.Void != "" || len(r.DeafHosts) != 0 {
		t.Errorf("void %q, hosts %v", r.Void, r.DeafHosts)
	}
	if r := Rule(defaultLimits, world(12)); r.Void != VoidChanges {
		t.Error("twelve customers' hosts are down, and the run counts")
	}
}

// A few large tenants show what many small ones would, and a single one is judged by its own numbers.
func TestFewLargeTenantsAreJudgedTogether(t *testing.T) {
	large := func(parts ...audit.Count) audit.Tally {
		var tally audit.Tally
		for i, c := range parts {
			tally.AddTenant(strconv.Itoa(i), c)
		}
		return tally
	}
	down, spike, well := audit.Count{Accounts: 100, Answering: 100, Lost: 60}, audit.Count{Accounts: 100, Answering: 100, NewlyFailing: 30}, audit.Count{Accounts: 100, Answering: 100}
	for name, c := range map[string]struct {
		tally audit.Tally
		held  bool
		void  Void
	}{
		"a single tenant":        {large(spike), true, ""},
		"a single tenant, down":  {large(down), false, VoidChanges},
		"all of three":           {large(spike, spike, spike), true, ""},
		"all of three, down":     {large(down, down, down), false, VoidChanges},
		"one of three":           {large(spike, well, well), false, ""},
		"one of three, down":     {large(down, well, well), false, ""},
		"one of two":             {large(spike, well), false, ""},
		"churn of large tenants": {large(audit.Count{Accounts: 900, NewlyFailing: 3}, audit.Count{Accounts: 900, NewlyFailing: 4}, well, well, well, well), false, ""},
	} {
		if r := Rule(defaultLimits, c.tally); r.Held != c.held || r.Void != c.void {
			t.Errorf("%s: held %v void %q (%s%s)", name, r.Held, r.Void, r.Why, r.HeldWhy)
		}
	}
}

func drawCount(t *rapid.T, name string, most int) audit.Count {
	c := audit.Count{Accounts: rapid.IntRange(1, most).Draw(t, name)}
	c.NewlyFailing = rapid.IntRange(0, c.Accounts).Draw(t, name+" failing")
	c.Answering = rapid.IntRange(0, c.Accounts).Draw(t, name+" answering")
	c.Lost = rapid.IntRange(0, c.Answering).Draw(t, name+" lost")
	return c
}

// Whatever one more tenant stores, the ruling for the others is one that an ordinary new customer with a single account
// could have brought about as well: mostly, none at all.
func TestAddingATenantIsAddingACustomer(t *testing.T) {
	seen := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 80).Draw(t, "customers")
		failing := rapid.IntRange(0, n).Draw(t, "failing")
		lost := rapid.IntRange(0, n).Draw(t, "lost")
		world := apart(n, failing, lost)
		with := func(c audit.Count) Ruling {
			tally := world
			tally.Tenants = maps.Clone(world.Tenants)
			tally.AddTenant("new", c)
			return Rule(defaultLimits, tally)
		}
		got := with(drawCount(t, "hostile", 5000))
		possible := map[outcome]bool{}
		for _, c := range []audit.Count{
			{Accounts: 1}, {Accounts: 1, NewlyFailing: 1}, {Accounts: 1, Answering: 1}, {Accounts: 1, Answering: 1, Lost: 1},
			{Accounts: 1, NewlyFailing: 1, Answering: 1}, {Accounts: 1, NewlyFailing: 1, Answering: 1, Lost: 1},
		} {
			r := with(c)
			possible[outcome{r.Void, r.Held}] = true
		}
		if !possible[outcome{got.Void, got.Held}] {
			t.Fatalf("void %q held %v (%s%s), and of one account: %v", got.Void, got.Held, got.Why, got.HeldWhy, possible)
		}
		seen[got.Held || got.Void != ""]++
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("worlds that are quiet or loud were not drawn: %v", seen)
	}
}

// outcome is what a ruling comes to.
type outcome struct {
	void Void
	held bool
}

// Tenants of any size: those whose numbers are well within the limits are held and voided by nobody, and what goes well
// beyond them stays seen, whatever one more tenant stores.
func TestAHostileTenantNeitherHoldsNorHides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var quiet, loud audit.Tally
		n := rapid.IntRange(20, 60).Draw(t, "tenants")
		for i := range n {
			size := rapid.IntRange(1, 8).Draw(t, "size")
			c := audit.Count{Accounts: size, Answering: size}
			if i < 4 {
				c.NewlyFailing, c.Lost = 1, 1
			}
			quiet.AddTenant(strconv.Itoa(i), c)
			c.NewlyFailing, c.Lost = 0, 0
			if i >= n/4 {
				c.NewlyFailing = (size + 1) / 2
			}
			loud.AddTenant(strconv.Itoa(i), c)
		}
		hostile := drawCount(t, "hostile", 5000)
		quiet.AddTenant("hostile", hostile)
		if r := Rule(defaultLimits, quiet); r.Held || r.Void != "" {
			t.Errorf("quiet: held %v void %q (%s%s)", r.Held, r.Void, r.Why, r.HeldWhy)
		}
		hostile.NewlyFailing, hostile.Lost = 0, 0
		loud.AddTenant("hostile", hostile)
		if r := Rule(defaultLimits, loud); !r.Held {
			t.Error("a spike among most of the tenants is hidden")
		}
	})
}

func TestTogether(t *testing.T) {
	for _, c := range []struct {
		of   map[string]int
		want int
	}{
		{nil, 0},
		{map[string]int{"a": 80}, 1},
		{map[string]int{"a": 80, "b": 1, "c": 1}, 3},
		{map[string]int{"a": 2, "b": 2, "c": 2}, 5},
		{map[string]int{"a": 80, "b": 80}, 3},
	} {
		if got := Together(c.of); got != c.want {
			t.Errorf("%v: %d, want %d", c.of, got, c.want)
		}
	}
}

func TestDealGivesEverybodyOneFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type thing struct{ tenant, n int }
		var all []thing
		for i := range rapid.IntRange(0, 60).Draw(t, "things") {
			all = append(all, thing{rapid.IntRange(0, 8).Draw(t, "tenant"), i})
		}
		tenant := func(x thing) string { return strconv.Itoa(x.tenant) }
		nobody := func(thing) bool { return false }
		got := Deal(all, tenant, nobody)
		last, turns := map[int]int{}, map[int]int{}
		turn := 0
		for _, x := range got {
			if before, had := last[x.tenant]; had && before > x.n {
				t.Fatalf("tenant %d: %d after %d", x.tenant, x.n, before)
			}
			last[x.tenant] = x.n
			if turns[x.tenant] < turn {
				t.Fatalf("tenant %d has its turn %d after another's turn %d", x.tenant, turns[x.tenant], turn)
			}
			turn = turns[x.tenant]
			turns[x.tenant]++
		}
		if len(got) != len(all) {
			t.Fatalf("%d of %d are dealt", len(got), len(all))
		}
		odd := func(x thing) bool { return x.n%2 == 1 }
		split := Deal(all, tenant, odd)
		if first := slices.IndexFunc(split, func(x thing) bool { return !odd(x) }); first >= 0 && slices.ContainsFunc(split[first:], odd) {
			t.Fatal("one that goes first stands behind one that does not")
		}
		// One more tenant, whatever it has, puts nobody further back than by one of its own for each turn.
		more := Deal(append(slices.Repeat([]thing{{99, 0}}, rapid.IntRange(0, 500).Draw(t, "hostile")), all...), tenant, nobody)
		hostile, i := 0, 0
		for _, x := range more {
			if x.tenant == 99 {
				hostile++
				continue
			}
			if x != got[i] {
				t.Fatalf("place %d has changed", i)
			}
			i++
			if place := slices.Index(got, x); hostile > place+1 {
				t.Fatalf("%d of the new tenant stand before place %d", hostile, place)
			}
		}
	})
}

// Several tenants that break everything they have are as many as they are, and not as many as they store.
func TestAFewHostileTenantsHoldNobody(t *testing.T) {
	tally := apart(300, 3, 0)
	for i := range 4 {
		tally.AddTenant(fmt.Sprint("hostile ", i), audit.Count{Accounts: 250, NewlyFailing: 250, Answering: 250})
	}
	if r := Rule(defaultLimits, tally); r.Held || r.Void != "" {
		t.Errorf("held %v void %q (%s%s)", r.Held, r.Void, r.Why, r.HeldWhy)
	}
}
