package audit

import (
	"fmt"
	"math"
	"slices"
)

// GuardLimits are the bounds beyond which a run does not speak.
type GuardLimits struct {
	MaxNewFailures float64 // share of a provider's accounts
	MinNewFailures int     // below it nothing is held
	MaxUnreachable float64 // share of a provider's accounts
	MaxSourceLoss  float64 // share of the accounts of the run before
}

// Tally is one provider's night before it is settled.
type Tally struct {
	Accounts     int
	NewlyFailing int   // failing tonight, fine or unknown before
	Silent       int   // unverified because the provider could not be reached or asked to wait
	First        bool  // no account of the provider has a settled verdict yet
	History      []int // newly failing accounts of the last 28 nights that were neither held nor void
}

// Ruling is what the guards say of one provider's night.
type Ruling struct {
	Void     Void   `json:"void,omitempty"`
	Why      string `json:"why,omitempty"`
	Held     bool   `json:"held,omitempty"`
	HeldWhy  string `json:"held_why,omitempty"`
	NewLimit int    `json:"new_limit"` // so many first notices a night are normal
}

// Void is which results of a provider's night do not count.
type Void string

const (
	VoidChanges     Void = "changes"     // an outage: nothing opens, nothing closes
	VoidRefusals    Void = "refusals"    // a mailbox that is known to be good was refused
	VoidAcceptances Void = "acceptances" // a password that is known to be bad was accepted
	VoidAll         Void = "all"
)

const (
	// HistoryNights is how many nights the guard looks back.
	HistoryNights  = 28
	smallProvider  = 4  // accounts from which a majority that fails at once is a spike
	silentAtLeast  = 10 // fewer unreachable accounts are no outage
	historyFactor  = 4
	historyPercent = 95
)

// Rule judges a provider's night by its numbers alone.
func (g GuardLimits) Rule(t Tally) Ruling {
	r := Ruling{NewLimit: g.limit(t)}
	if t.Silent > silentAtLeast && float64(t.Silent) > g.MaxUnreachable*float64(t.Accounts) {
		r.Void = VoidChanges
		r.Why = fmt.Sprintf("%d of %d accounts gave no answer", t.Silent, t.Accounts)
		return r
	}
	if over, normal := g.Spike(t.NewlyFailing, t); over {
		r.Held = true
		r.HeldWhy = fmt.Sprintf("%d of %d accounts fail newly (normal: up to %d)", t.NewlyFailing, t.Accounts, normal)
	}
	return r
}

// Spike tells whether so many accounts of a provider at once are more than its customers' doing, and how
// many would be normal.
func (g GuardLimits) Spike(n int, t Tally) (over bool, normal int) {
	normal = g.limit(t)
	if !t.First && t.Accounts >= smallProvider {
		normal = min(normal, t.Accounts/2)
	}
	return n > normal, normal
}

func (g GuardLimits) limit(t Tally) int {
	if t.First {
		return g.MinNewFailures
	}
	limit := int(g.MaxNewFailures * float64(t.Accounts))
	if len(t.History) >= HistoryNights {
		limit = min(limit, historyFactor*percentile(t.History, historyPercent))
	}
	return max(limit, g.MinNewFailures)
}

// WithHistory fills the tallies' histories from earlier runs.
func WithHistory(tallies map[string]Tally, before []Run) map[string]Tally {
	for name, t := range tallies {
		for _, run := range before {
			if run.Numbers == nil {
				continue
			}
			if p := run.Numbers.Providers[name]; p != nil && !p.Held && !p.Void {
				t.History = append(t.History, p.Changes.NewlyFailing)
			}
		}
		tallies[name] = t
	}
	return tallies
}

// percentile is the nearest-rank percentile of values.
func percentile(values []int, p int) int {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(float64(p) / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// Voids tells whether a void takes away the result r of an account whose settled verdict is before.
func (v Void) Voids(before Verdict, r Verdict) bool {
	if r == Unverified {
		return false
	}
	accepted := r.Fine() || r == SingleFactor
	switch v {
	case VoidAll:
		return true
	case VoidRefusals:
		return !accepted
	case VoidAcceptances:
		return accepted
	case VoidChanges:
		return r != before
	}
	return false
}

// Rulings are what the guards say of a whole run. They are made once, before anything is settled, and kept.
type Rulings struct {
	// Silenced tells why no customer is told anything tonight: the state was lost, or this is a copy.
	Silenced  string            `json:"silenced,omitempty"`
	Providers map[string]Ruling `json:"providers"`

	// How the customers of this run were told, so that it can be explained after a change of configuration.
	Mode    Mode    `json:"mode,omitempty"`
	Cadence Cadence `json:"cadence,omitzero"`
}
