package decide

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"mailaudit/audit"
)

var defaultLimits = audit.GuardLimits{MaxNewFailures: 0.01, MinNewFailures: 10, MaxUnreachable: 0.20, MaxSourceLoss: 0.05}

// apart is a night of customers with one account each: so many fail newly, and others lost their answer.
func apart(accounts, failing, lost int, set ...func(*audit.Tally)) audit.Tally {
	var t audit.Tally
	for i := range accounts {
		c := audit.Count{Accounts: 1, Answering: 1}
		if i < failing {
			c.NewlyFailing = 1
		}
		if i >= accounts-lost {
			c.Lost = 1
		}
		t.AddTenant(strconv.Itoa(i), c)
	}
	for _, f := range set {
		f(&t)
	}
	return t
}

// one is a night of a single customer.
func one(c audit.Count) audit.Tally {
	var t audit.Tally
	t.AddTenant("t", c)
	return t
}

func TestGuardRules(t *testing.T) {
	quietMonth := slices.Repeat([]int{1, 2, 3, 0}, 7)
	for name, c := range map[string]struct {
		tally audit.Tally
		void  Void
		held  bool
	}{
		"nothing":                           {apart(1000, 0, 0), "", false},
		"few":                               {apart(1000, 10, 0), "", false},
		"more than both":                    {apart(1000, 11, 0), "", true},
		"within one per cent of many":       {apart(6800, 68, 0), "", false},
		"over one per cent of many":         {apart(6800, 69, 0), "", true},
		"many, but more than history knows": {apart(6800, 13, 0, func(t *audit.Tally) { t.History = quietMonth }), "", true},
		"as history knows":                  {apart(6800, 12, 0, func(t *audit.Tally) { t.History = quietMonth }), "", false},
		"history is never below the least":  {apart(6800, 10, 0, func(t *audit.Tally) { t.History = make([]int, 28) }), "", false},
		"history of 27 nights is too short": {apart(6800, 60, 0, func(t *audit.Tally) { t.History = quietMonth[:27] }), "", false},
		"history that allows more":          {apart(1000, 11, 0, func(t *audit.Tally) { t.History = slices.Repeat([]int{50}, 28) }), "", true},
		"half of a small provider":          {apart(8, 4, 0), "", false},
		"more than half of a small one":     {apart(8, 5, 0), "", true},
		"all three of three":                {apart(3, 3, 0), "", false},
		"first night, few":                  {apart(5000, 10, 0, func(t *audit.Tally) { t.First = true }), "", false},
		"first night, many":                 {apart(5000, 11, 0, func(t *audit.Tally) { t.First = true }), "", true},
		"first night of a small provider":   {apart(8, 8, 0, func(t *audit.Tally) { t.First = true }), "", false},
		"silent, but ten":                   {apart(12, 0, 10), "", false},
		"silent":                            {apart(50, 0, 11), VoidChanges, false},
		"silent, but a fifth":               {apart(100, 0, 20), "", false},
		"an outage holds nothing":           {apart(100, 50, 50), VoidChanges, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := Rule(defaultLimits, c.tally)
			if got.Void != c.void || got.Held != c.held {
				t.Errorf("void %q held %v, want %q %v (%s%s)", got.Void, got.Held, c.void, c.held, got.Why, got.HeldWhy)
			}
		})
	}
}

func TestVoids(t *testing.T) {
	for _, c := range []struct {
		void           Void
		before, result audit.Verdict
		want           bool
	}{
		{"", audit.Compliant, audit.Revoked, false},
		{VoidChanges, audit.Compliant, audit.Revoked, true},
		{VoidChanges, audit.Revoked, audit.Compliant, true},
		{VoidChanges, audit.Revoked, audit.Revoked, true}, // an outage confirms nothing
		{VoidChanges, audit.Compliant, audit.Compliant, false},
		{VoidRefusals, audit.Revoked, audit.Revoked, true},
		{VoidRefusals, audit.Revoked, audit.Compliant, false},
		{VoidAcceptances, audit.Compliant, audit.Compliant, true},
		{VoidAcceptances, audit.SingleFactor, audit.SingleFactor, true},
		{VoidAcceptances, audit.Compliant, audit.Revoked, false},
		{VoidAll, audit.Compliant, audit.Compliant, true},
		{VoidAll, audit.Compliant, audit.Unverified, false},
	} {
		if got := c.void.Voids(c.before, c.result); got != c.want {
			t.Errorf("%q, %s then %s: %v, want %v", c.void, c.before, c.result, got, c.want)
		}
	}
}

// Two reasons not to count a night take away what either takes, and a hold stands where refusals still count.
func TestVoidsTogether(t *testing.T) {
	held := Ruling{Held: true, HeldWhy: "a spike"}
	for _, c := range []struct {
		first, second Void
		want          Void
		held          bool
	}{
		{"", VoidAcceptances, VoidAcceptances, true},
		{"", VoidRefusals, VoidRefusals, false},
		{VoidChanges, VoidAcceptances, VoidAll, false},
		{VoidChanges, VoidRefusals, VoidAll, false},
		{VoidRefusals, VoidRefusals, VoidRefusals, false},
	} {
		got := held
		got.Void = c.first
		if got = got.Voided(c.second, "second"); got.Void != c.want || got.Held != c.held {
			t.Errorf("%q and %q: %q, held %v", c.first, c.second, got.Void, got.Held)
		}
	}
}

func TestGuardNeverLetsAMajorityThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		accounts := rapid.IntRange(21, 2000).Draw(t, "accounts")
		failing := rapid.IntRange(accounts/2+1, accounts).Draw(t, "failing")
		first := rapid.Bool().Draw(t, "first")
		for _, tally := range []audit.Tally{apart(accounts, failing, 0), one(audit.Count{Accounts: 50 * accounts, NewlyFailing: 50 * failing})} {
			tally.First = first
			if r := Rule(defaultLimits, tally); !r.Held {
				t.Errorf("%d of %d are not held", failing, accounts)
			}
		}
	})
}
