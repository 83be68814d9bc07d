package decide

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailaudit/audit"
)

var defaultLimits = audit.GuardLimits{MaxNewFailures: 0.01, MinNewFailures: 10, MaxUnreachable: 0.20, MaxSourceLoss: 0.05}

func TestGuardRules(t *testing.T) {
	quietMonth := slices.Repeat([]int{1, 2, 3, 0}, 7)
	for name, c := range map[string]struct {
		tally audit.Tally
		void  Void
		held  bool
	}{
		"nothing":                           {audit.Tally{Accounts: 1000}, "", false},
		"few":                               {audit.Tally{Accounts: 1000, NewlyFailing: 10}, "", false},
		"more than both":                    {audit.Tally{Accounts: 1000, NewlyFailing: 11}, "", true},
		"within one per cent of many":       {audit.Tally{Accounts: 6800, NewlyFailing: 68}, "", false},
		"over one per cent of many":         {audit.Tally{Accounts: 6800, NewlyFailing: 69}, "", true},
		"many, but more than history knows": {audit.Tally{Accounts: 6800, NewlyFailing: 13, History: quietMonth}, "", true},
		"as history knows":                  {audit.Tally{Accounts: 6800, NewlyFailing: 12, History: quietMonth}, "", false},
		"history is never below the least":  {audit.Tally{Accounts: 6800, NewlyFailing: 10, History: make([]int, 28)}, "", false},
		"history of 27 nights is too short": {audit.Tally{Accounts: 6800, NewlyFailing: 60, History: quietMonth[:27]}, "", false},
		"history that allows more":          {audit.Tally{Accounts: 1000, NewlyFailing: 11, History: slices.Repeat([]int{50}, 28)}, "", true},
		"half of a small provider":          {audit.Tally{Accounts: 8, NewlyFailing: 4}, "", false},
		"more than half of a small one":     {audit.Tally{Accounts: 8, NewlyFailing: 5}, "", true},
		"all three of three":                {audit.Tally{Accounts: 3, NewlyFailing: 3}, "", false},
		"first night, few":                  {audit.Tally{Accounts: 5000, NewlyFailing: 10, First: true}, "", false},
		"first night, many":                 {audit.Tally{Accounts: 5000, NewlyFailing: 11, First: true}, "", true},
		"first night of a small provider":   {audit.Tally{Accounts: 8, NewlyFailing: 8, First: true}, "", false},
		"silent, but ten":                   {audit.Tally{Accounts: 12, Silent: 10}, "", false},
		"silent":                            {audit.Tally{Accounts: 50, Silent: 11}, VoidChanges, false},
		"silent, but a fifth":               {audit.Tally{Accounts: 100, Silent: 20}, "", false},
		"an outage holds nothing":           {audit.Tally{Accounts: 100, Silent: 50, NewlyFailing: 50}, VoidChanges, false},
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
		tally := audit.Tally{Accounts: rapid.IntRange(21, 100000).Draw(t, "accounts"), First: rapid.Bool().Draw(t, "first")}
		tally.NewlyFailing = rapid.IntRange(tally.Accounts/2+1, tally.Accounts).Draw(t, "failing")
		if r := Rule(defaultLimits, tally); !r.Held {
			t.Errorf("%+v is not held", tally)
		}
	})
}
