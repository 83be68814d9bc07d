package decide

import (
	"maps"
	"slices"

	"mailaudit/audit"
	"mailaudit/providers"
)

// ReversalOf returns what tonight's result takes back of an account's settled refusal: the provider accepts the secret
// that it refused before. nil where it takes nothing back. Where an acceptance between two runs ended the finding, which
// secret was refused is not kept any more, and nothing is returned.
func ReversalOf(st audit.State) *audit.Reversal {
	r := st.Tonight
	accepted := r.Verdict.Fine() || r.Verdict == audit.SingleFactor
	if !accepted || r.Carried || st.Remedied != "" || !st.Settled.Verdict.Failing() || st.Settled.Verdict == audit.SingleFactor ||
		r.Fingerprint == "" || st.Fingerprint != r.Fingerprint {
		return nil
	}
	return &audit.Reversal{Verdict: st.Settled.Verdict, Rule: st.Settled.Rule, Told: st.Told.Step > 0 && !st.Told.Shadow}
}

// Reversals counts, by rule, what a run's results say of earlier refusals.
type Reversals struct {
	stands  map[string]int
	tenants map[string]map[string]bool
	taken   map[string]int
}

// Add counts an account before it is settled.
func (c *Reversals) Add(st audit.State) {
	if c.stands == nil {
		c.stands, c.taken, c.tenants = map[string]int{}, map[string]int{}, map[string]map[string]bool{}
	}
	rule := st.Settled.Rule
	if rule == "" || !st.Settled.Verdict.NeedsNewSecret() {
		return
	}
	switch r := ReversalOf(st); {
	case r != nil:
		if c.tenants[rule] == nil {
			c.tenants[rule] = map[string]bool{}
		}
		c.tenants[rule][st.Tonight.TenantID] = true
		c.taken[rule]++
	case st.Tonight.Verdict.Failing() && !st.Tonight.Carried && st.Tonight.Rule == rule:
		c.stands[rule]++
	}
}

const (
	reversedTenants = 3 // tenants: no few of them have a rule doubted for all
	reversedShare   = 5 // one in so many of the rule's refusals
)

// Doubted returns the rules whose reversals are above the bound, each with how many there are.
func (c *Reversals) Doubted() map[string]Doubt {
	var doubted map[string]Doubt
	for _, rule := range slices.Sorted(maps.Keys(c.taken)) {
		if len(c.tenants[rule]) < reversedTenants || c.taken[rule]*reversedShare < c.taken[rule]+c.stands[rule] {
			continue
		}
		if doubted == nil {
			doubted = map[string]Doubt{}
		}
		doubted[rule] = Doubt{Reversed: c.taken[rule], Of: c.taken[rule] + c.stands[rule]}
	}
	return doubted
}

// Doubt is why a rule is ambiguous for a run: so many of its refusals were taken back.
type Doubt struct {
	Reversed int `json:"reversed"`
	Of       int `json:"of"`
}

// doubting has a result by a doubted rule confirmed by a second run before anybody is notified.
func (r Rulings) doubting(st audit.State) audit.State {
	if _, doubted := r.Doubted[st.Tonight.Rule]; !doubted || st.Tonight.Certainty != providers.Definite || !st.Tonight.Verdict.Failing() {
		return st
	}
	less := *st.Tonight
	less.Certainty = providers.Ambiguous
	st.Tonight = &less
	return st
}
