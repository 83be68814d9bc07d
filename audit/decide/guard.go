package decide

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"mailaudit/audit"
)

// Ruling is what the guards say of one provider's night.
type Ruling struct {
	Void     Void   `json:"void,omitempty"`
	Why      string `json:"why,omitempty"`
	Held     bool   `json:"held,omitempty"`
	HeldWhy  string `json:"held_why,omitempty"`
	NewLimit int    `json:"new_limit"` // so many first notices a night are normal

	// DeafHosts says for hosts of "other" why their results are inconclusive; those of other hosts stand.
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
	smallProvider  = 4  // accounts from which a majority that fails at once is a spike
	silentAtLeast  = 10 // fewer unreachable accounts are no outage
	historyFactor  = 4
	historyPercent = 95
)

// Rule judges a provider's night by its numbers alone.
func Rule(g audit.GuardLimits, t audit.Tally) Ruling {
	r := Ruling{NewLimit: limit(g, t)}
	if t.Hosts != nil {
		if ruleHosts(g, t, &r); r.Void != "" || r.Held {
			return r
		}
	} else if deaf(g, t.Silent, t.Accounts) {
		r.Void = VoidChanges
		r.Why = fmt.Sprintf("%d of %d mailboxes gave no answer", t.Silent, t.Accounts)
		return r
	}
	failing := t.NewlyFailing + t.Beside.NewlyFailing
	if over, normal := Spike(g, failing, t); over {
		r.Held = true
		r.HeldWhy = fmt.Sprintf("%d of %d mailboxes fail newly (normal: up to %d)", failing, t.Accounts+t.Beside.Accounts, normal)
	}
	return r
}

// deaf reports whether so many that gave no answer are an outage.
func deaf(g audit.GuardLimits, silent, of int) bool {
	return silent > silentAtLeast && float64(silent) > g.MaxUnreachable*float64(of)
}

// ruleHosts judges the hosts of "other" each by itself: one that is down says nothing of the others, and one
// that turns several tenants away at once is as much a spike as a provider that does. Where a tenant has a
// host for himself, all of his mailboxes may well fail by his own doing.
func ruleHosts(g audit.GuardLimits, t audit.Tally, r *Ruling) {
	away := 0
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		h := t.Hosts[name]
		if h.Silent == h.Accounts {
			away++
		}
		if deaf(g, h.Silent, h.Accounts) {
			if r.DeafHosts == nil {
				r.DeafHosts = map[string]string{}
			}
			r.DeafHosts[name] = fmt.Sprintf("%d of the %d mailboxes at its host gave no answer", h.Silent, h.Accounts)
		}
		over, normal := Spike(g, h.NewlyFailing, audit.Tally{Accounts: h.Accounts, First: h.First})
		if over && len(h.Tenants) >= smallProvider && !r.Held {
			r.Held = true
			// The host is a customer's to know, and the reason stands in Slack: the notices lead to it.
			r.HeldWhy = fmt.Sprintf("%d of the %d mailboxes at one host fail newly (normal: up to %d)", h.NewlyFailing, h.Accounts, normal)
		}
	}
	if deaf(g, away, len(t.Hosts)) {
		r.Void, r.Held, r.HeldWhy = VoidChanges, false, ""
		r.Why = fmt.Sprintf("%d of %d hosts gave no answer", away, len(t.Hosts))
	}
}

// Spike reports whether so many accounts of a provider at once are more than its customers' doing, and how
// many would be normal.
func Spike(g audit.GuardLimits, n int, t audit.Tally) (over bool, normal int) {
	normal = limit(g, t)
	if all := t.Accounts + t.Beside.Accounts; !t.First && all >= smallProvider {
		normal = min(normal, all/2)
	}
	return n > normal, normal
}

func limit(g audit.GuardLimits, t audit.Tally) int {
	if t.First {
		return g.MinNewFailures
	}
	limit := int(g.MaxNewFailures * float64(t.Accounts+t.Beside.Accounts))
	if len(t.History) >= audit.HistoryNights {
		limit = min(limit, historyFactor*percentile(t.History, historyPercent))
	}
	return max(limit, g.MinNewFailures)
}

// percentile is the nearest-rank percentile of values.
func percentile(values []int, p int) int {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(float64(p) / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// Voids reports whether a void takes away the result r of an account whose settled verdict is before.
func (v Void) Voids(before audit.Verdict, r audit.Verdict) bool {
	if r == audit.Unverified {
		return false
	}
	accepted := r.Fine() || r == audit.SingleFactor
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

// Voided is the ruling with one more reason not to count the night. A hold stands where refusals still count.
func (r Ruling) Voided(v Void, why string) Ruling {
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
	Mode    audit.Mode    `json:"mode,omitempty"`
	Cadence audit.Cadence `json:"cadence,omitzero"`
}

// Apply replaces tonight's result by "unverified" where the provider's results are inconclusive.
func (r Rulings) Apply(st audit.State) audit.State {
	ruling := r.Providers[st.Tonight.Provider]
	if why, deaf := ruling.DeafHosts[st.Tonight.Host]; deaf {
		ruling = ruling.Voided(VoidChanges, why)
	}
	if !ruling.Void.Voids(st.Settled.Verdict, st.Tonight.Verdict) {
		return st
	}
	voided := *st.Tonight
	voided.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: "unknown", Certainty: "ambiguous"}
	voided.Reason = "the provider's night does not count: " + ruling.Why
	st.Tonight = &voided
	return st
}

// Held marks tonight's result where a guard holds the provider's notices, by tonight's ruling or since an earlier
// night.
func (r Rulings) Held(st audit.State, open []audit.Hold) audit.State {
	provider := st.Tonight.Provider
	if !r.Providers[provider].Held && !slices.ContainsFunc(open, func(h audit.Hold) bool { return h.Provider == provider }) {
		return st
	}
	doubted := *st.Tonight
	doubted.Held = true
	st.Tonight = &doubted
	return st
}
