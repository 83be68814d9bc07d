package decide

import (
	"encoding/json"
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
	// OneTenant: all accounts of the provider are one tenant's, whose numbers count as they are.
	OneTenant bool `json:"one_tenant,omitempty"`

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
	silentAtLeast  = 10 // fewer accounts that lost their answer are no outage
	historyFactor  = 4
	historyPercent = 95
)

// Rule judges a provider's run by its numbers alone.
func Rule(g audit.GuardLimits, t audit.Tally) Ruling {
	r := Ruling{NewLimit: newLimit(g, t), OneTenant: len(t.Tenants) == 1}
	if t.Hosts != nil {
		if ruleHosts(g, t, &r); r.Void != "" || r.Held {
			return r
		}
	} else if deaf(g, t.Tenants) {
		r.Void = VoidChanges
		r.Why = fmt.Sprintf("%d of %d mailboxes gave no response", t.Lost, t.Answering)
		return r
	}
	if over, normal := Spike(g, t); over {
		r.Held = true
		r.HeldWhy = fmt.Sprintf("%d new failures among %d mailboxes (threshold %d)", t.NewlyFailing+t.Beside.NewlyFailing, t.Accounts+t.Beside.Accounts, normal)
	}
	return r
}

// deaf reports whether so many lost their answer that it is an outage, and not some customers' doing.
func deaf(g audit.GuardLimits, tenants map[string]audit.Count) bool {
	c := weigh(tenants, func(c audit.Count) part { return part{hit: c.Lost, of: c.Answering} }, func(p part) bool {
		return p.hit > silentAtLeast && p.share() > g.MaxUnreachable
	})
	return c.alone || c.hits > silentAtLeast && c.share > g.MaxUnreachable || c.others(silentAtLeast)
}

// ruleHosts judges the hosts of "other" each by itself: one that is down says nothing of the others, and one
// that turns several tenants away at once is as much a spike as a provider that does. Where a tenant has a
// host for himself, all of his mailboxes may well fail by his own doing.
func ruleHosts(g audit.GuardLimits, t audit.Tally, r *Ruling) {
	away, answering := 0, 0
	owners := map[string]audit.Count{} // hosts by whoever has them: one tenant, or the several that share one
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		h := t.Hosts[name]
		if h.Answering > 0 {
			c := audit.Count{Answering: 1}
			if h.Lost == h.Answering {
				c.Lost = 1
			}
			owner := ownerOf(name, h)
			owners[owner] = owners[owner].Add(c)
			answering, away = answering+1, away+c.Lost
		}
		if deaf(g, h.Tenants) {
			if r.DeafHosts == nil {
				r.DeafHosts = map[string]string{}
			}
			r.DeafHosts[name] = fmt.Sprintf("%d of the %d mailboxes at its host gave no response", h.Lost, h.Answering)
		}
		over, normal := Spike(g, audit.Tally{Count: h.Count, First: h.First, Tenants: h.Tenants})
		if over && failingTenants(h.Tenants) >= smallProvider && !r.Held {
			r.Held = true
			// The host is a customer's to know, and the reason stands in Slack: the notices lead to it.
			r.HeldWhy = fmt.Sprintf("%d new failures among the %d mailboxes at one host (threshold %d)", h.NewlyFailing, h.Accounts, normal)
		}
	}
	if deaf(g, owners) {
		r.Void, r.Held, r.HeldWhy = VoidChanges, false, ""
		r.Why = fmt.Sprintf("%d of %d hosts gave no response", away, answering)
	}
}

// ownerOf names the one tenant that has a host for himself, else the host.
func ownerOf(host string, h audit.HostTally) string {
	if len(h.Tenants) != 1 {
		return "host " + host
	}
	for tenant := range h.Tenants {
		return "tenant " + tenant
	}
	return ""
}

func failingTenants(tenants map[string]audit.Count) (n int) {
	for _, c := range tenants {
		if c.NewlyFailing > 0 {
			n++
		}
	}
	return n
}

// Spike reports whether so many accounts of a provider at once are more than its customers' doing, and how
// many would be normal.
func Spike(g audit.GuardLimits, t audit.Tally) (over bool, normal int) {
	normal = newLimit(g, t)
	c := weigh(t.Tenants, func(c audit.Count) part { return part{hit: c.NewlyFailing, of: c.Accounts} }, func(p part) bool {
		most := max(g.MinNewFailures, int(g.MaxNewFailures*float64(p.of)))
		if len(t.Tenants) == 1 {
			most = normal
		}
		if !t.First && p.of >= smallProvider {
			most = min(most, p.of/2)
		}
		return p.hit > most
	})
	if all := t.Accounts + t.Beside.Accounts; !t.First && all >= smallProvider {
		shown := min(normal, all/2)
		return c.alone || c.hits > normal || c.share > 0.5 && c.size >= smallProvider || c.others(normal), shown
	}
	return c.alone || c.hits > normal || c.others(normal), normal
}

// newLimit is how many accounts may begin to fail in a run. A tenant's size counts within bounds, so that nobody
// raises it for all.
func newLimit(g audit.GuardLimits, t audit.Tally) int {
	if t.First {
		return g.MinNewFailures
	}
	limit := int(g.MaxNewFailures * float64(sizeOf(t.Tenants)))
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
	// Doubted are the rules that are ambiguous for the run, since too many of their refusals were taken back.
	Doubted map[string]Doubt `json:"doubted,omitempty"`
	// Recorded is how many accounts had a result.
	Recorded int `json:"recorded,omitempty"`

	// How the customers of this run were told, so that it can be explained after a change of configuration.
	Mode    audit.Mode    `json:"mode,omitempty"`
	Cadence audit.Cadence `json:"cadence,omitzero"`
}

// RulingsFact is the name under which a run keeps its rulings.
const RulingsFact = "rulings"

// KeptRulings reads them from a run's facts; ok is false where none are kept, and where they cannot be read, which err
// tells.
func KeptRulings(facts map[string]string) (r Rulings, ok bool, err error) {
	text := facts[RulingsFact]
	if text == "" {
		return Rulings{}, false, nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return Rulings{}, false, err
	}
	return r, true, nil
}

// Apply replaces tonight's result by "unverified" where the provider's results are inconclusive, and takes from a doubted
// rule's the certainty.
func (r Rulings) Apply(st audit.State) audit.State {
	ruling := r.Providers[st.Tonight.Provider]
	if why, deaf := ruling.DeafHosts[st.Tonight.Host]; deaf {
		ruling = ruling.Voided(VoidChanges, why)
	}
	if !ruling.Void.Voids(st.Settled.Verdict, st.Tonight.Verdict) {
		return r.doubting(st)
	}
	voided := *st.Tonight
	voided.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: "unknown", Certainty: "ambiguous"}
	voided.Reason = "the provider's results are inconclusive: " + ruling.Why
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
