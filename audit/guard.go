package audit

import (
	"fmt"
	"maps"
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

	// Beside are the provider's accounts that a narrowed run leaves out, and those of them that began to fail
	// within a night: what many narrowed runs find is judged together.
	Beside Beside
	// Hosts are the shares of the hosts where the provider is many that have nothing to do with each other,
	// which is "other"; nil elsewhere.
	Hosts map[string]HostTally
}

// Beside are accounts outside a run.
type Beside struct{ Accounts, NewlyFailing int }

// HostTally is one host's share of [Tally].
type HostTally struct {
	Accounts     int
	NewlyFailing int
	Tenants      map[string]bool // whose accounts fail newly
	Silent       int
	First        bool
}

// AddHost adds accounts of one tenant at a host.
func (t *Tally) AddHost(host, tenant string, h HostTally) {
	sum, known := t.Hosts[host]
	sum.Accounts += h.Accounts
	sum.NewlyFailing += h.NewlyFailing
	sum.Silent += h.Silent
	sum.First = h.First && (sum.First || !known)
	if h.NewlyFailing > 0 {
		if sum.Tenants == nil {
			sum.Tenants = map[string]bool{}
		}
		sum.Tenants[tenant] = true
	}
	t.Hosts[host] = sum
}

// Ruling is what the guards say of one provider's night.
type Ruling struct {
	Void     Void   `json:"void,omitempty"`
	Why      string `json:"why,omitempty"`
	Held     bool   `json:"held,omitempty"`
	HeldWhy  string `json:"held_why,omitempty"`
	NewLimit int    `json:"new_limit"` // so many first notices a night are normal

	// DeafHosts tells of hosts of "other" why their night does not count; that of the others does.
	DeafHosts map[string]string `json:"deaf_hosts,omitempty"`
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
	if t.Hosts != nil {
		if g.ruleHosts(t, &r); r.Void != "" || r.Held {
			return r
		}
	} else if g.deaf(t.Silent, t.Accounts) {
		r.Void = VoidChanges
		r.Why = fmt.Sprintf("%d of %d mailboxes gave no answer", t.Silent, t.Accounts)
		return r
	}
	failing := t.NewlyFailing + t.Beside.NewlyFailing
	if over, normal := g.Spike(failing, t); over {
		r.Held = true
		r.HeldWhy = fmt.Sprintf("%d of %d mailboxes fail newly (normal: up to %d)", failing, t.Accounts+t.Beside.Accounts, normal)
	}
	return r
}

// deaf tells whether so many that gave no answer are an outage.
func (g GuardLimits) deaf(silent, of int) bool {
	return silent > silentAtLeast && float64(silent) > g.MaxUnreachable*float64(of)
}

// ruleHosts judges the hosts of "other" each by itself: one that is down says nothing of the others, and one
// that turns several tenants away at once is as much a spike as a provider that does. Where a tenant has a
// host for himself, all of his mailboxes may well fail by his own doing.
func (g GuardLimits) ruleHosts(t Tally, r *Ruling) {
	away := 0
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		h := t.Hosts[name]
		if h.Silent == h.Accounts {
			away++
		}
		if g.deaf(h.Silent, h.Accounts) {
			if r.DeafHosts == nil {
				r.DeafHosts = map[string]string{}
			}
			r.DeafHosts[name] = fmt.Sprintf("%d of the %d mailboxes at its host gave no answer", h.Silent, h.Accounts)
		}
		over, normal := g.Spike(h.NewlyFailing, Tally{Accounts: h.Accounts, First: h.First})
		if over && len(h.Tenants) >= smallProvider && !r.Held {
			r.Held = true
			// The host is a customer's to know, and the reason stands in Slack: the notices lead to it.
			r.HeldWhy = fmt.Sprintf("%d of the %d mailboxes at one host fail newly (normal: up to %d)", h.NewlyFailing, h.Accounts, normal)
		}
	}
	if g.deaf(away, len(t.Hosts)) {
		r.Void, r.Held, r.HeldWhy = VoidChanges, false, ""
		r.Why = fmt.Sprintf("%d of %d hosts gave no answer", away, len(t.Hosts))
	}
}

// Spike tells whether so many accounts of a provider at once are more than its customers' doing, and how
// many would be normal.
func (g GuardLimits) Spike(n int, t Tally) (over bool, normal int) {
	normal = g.limit(t)
	if all := t.Accounts + t.Beside.Accounts; !t.First && all >= smallProvider {
		normal = min(normal, all/2)
	}
	return n > normal, normal
}

func (g GuardLimits) limit(t Tally) int {
	if t.First {
		return g.MinNewFailures
	}
	limit := int(g.MaxNewFailures * float64(t.Accounts+t.Beside.Accounts))
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
		return r != before || r.Failing() // nor does the night confirm anything
	}
	return false
}

// with is what two reasons take away together.
func (v Void) with(other Void) Void {
	switch {
	case v == "" || v == other:
		return other
	case other == "":
		return v
	}
	return VoidAll
}

// voided is the ruling with one more reason not to count the night. A hold stands where refusals still count.
func (r Ruling) voided(v Void, why string) Ruling {
	if r.Void != "" {
		why = r.Why + "; " + why
	}
	r.Void, r.Why = r.Void.with(v), why
	if r.Void != VoidAcceptances {
		r.Held, r.HeldWhy = false, ""
	}
	return r
}

// Rulings are what the guards say of a whole run. They are made once, before anything is settled, and kept.
type Rulings struct {
	// Silenced tells why no customer is told anything tonight: the state was lost, or this is a copy.
	Silenced  string            `json:"silenced,omitempty"`
	Providers map[string]Ruling `json:"providers"`
	// Blind: our own side was not looked at, so that nobody counts as having left the source.
	Blind bool `json:"blind,omitempty"`
	// Recorded is how many accounts had a result.
	Recorded int `json:"recorded,omitempty"`

	// How the customers of this run were told, so that it can be explained after a change of configuration.
	Mode    Mode    `json:"mode,omitempty"`
	Cadence Cadence `json:"cadence,omitzero"`
}
