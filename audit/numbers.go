package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"mailaudit/providers"
)

// Numbers are a run's counts. They are counted once, when the run concludes, and every report reads them.
type Numbers struct {
	Accounts  int                         `json:"accounts"`
	Verified  int                         `json:"verified"`          // any verdict but unverified
	Chronic   int                         `json:"chronic,omitempty"` // see [Finding.Chronic]; 0 in runs of older versions
	Verdicts  map[Verdict]int             `json:"verdicts"`
	TwoFactor map[providers.TwoFactor]int `json:"two_factor"` // of the accepted accounts
	Changes   Changes                     `json:"changes"`
	Providers map[string]*ProviderNumbers `json:"providers"`
	Notices   map[NoticeState]int         `json:"notices,omitempty"`
	Unknown   []UnknownReply              `json:"unknown,omitempty"`
	Quality   Quality                     `json:"quality,omitzero"`
	// Attested counts, by kind, the accounts whose two-factor an attestation raised, and Contradicted those that something speaks against.
	Attested     map[AttestationKind]int `json:"attested,omitempty"`
	Contradicted int                     `json:"contradicted,omitempty"`
	Open         int                     `json:"open"` // failing accounts, tonight's word or an earlier night's
	// Renumbered counts the accounts that the product has given another id since the last run.
	Renumbered int `json:"renumbered,omitempty"`
	// SourceFaults counts the source's rows without an id, which are in none of the other numbers.
	SourceFaults int `json:"source_faults,omitempty"`
}

// Quality counts what a run's verdicts rest on, and what it takes back.
type Quality struct {
	ByTraffic        int `json:"by_traffic"`         // verified by the product's own traffic, and not asked
	Reversed         int `json:"reversed"`           // refused before and accepted now, the secret unchanged
	ToldThenReversed int `json:"told_then_reversed"` // and the customer had been notified
}

// ProviderNumbers are one provider's share of [Numbers].
type ProviderNumbers struct {
	Accounts   int                         `json:"accounts"`
	Chronic    int                         `json:"chronic,omitempty"`
	Verdicts   map[Verdict]int             `json:"verdicts"`
	TwoFactor  map[providers.TwoFactor]int `json:"two_factor"`
	Changes    Changes                     `json:"changes"`
	Held       bool                        `json:"held"`
	HoldReason string                      `json:"hold_reason"`
	Void       bool                        `json:"void,omitempty"`
	VoidReason string                      `json:"void_reason,omitempty"`
}

// Changes compare a run with the last word before it. Unverified accounts are in none of them.
type Changes struct {
	NewlyFailing int `json:"newly_failing"`
	Recovered    int `json:"recovered"`
	StillFailing int `json:"still_failing"`
}

// UnknownReply is a reply that no rule knows, with how many accounts met it.
type UnknownReply struct {
	Provider string `json:"provider"`
	Wording  string `json:"wording"` // its normal form, by which replies are counted together
	Reply    string `json:"reply"`   // the first of them
	Count    int    `json:"count"`
}

// ID names the wording among all of its provider's: the same in every run.
func (u UnknownReply) ID() string {
	sum := sha256.Sum256([]byte(u.Provider + "\n" + u.Wording))
	return hex.EncodeToString(sum[:4])
}

// Owed is how many accounts a run owes a verdict: all but those that have not answered for long. Coverage is the verified
// ones of these.
func (n *Numbers) Owed() int { return n.Accounts - n.Chronic }

// Owed is [Numbers.Owed] of one provider.
func (n *ProviderNumbers) Owed() int { return n.Accounts - n.Chronic }

// Count adds one account's outcome in a run that began at started.
func (n *Numbers) Count(f Finding, started time.Time) {
	if n.Verdicts == nil {
		n.Verdicts, n.TwoFactor = map[Verdict]int{}, map[providers.TwoFactor]int{}
		n.Providers = map[string]*ProviderNumbers{}
	}
	p := n.Providers[f.Provider]
	if p == nil {
		p = &ProviderNumbers{Verdicts: map[Verdict]int{}, TwoFactor: map[providers.TwoFactor]int{}}
		n.Providers[f.Provider] = p
	}
	n.Accounts++
	p.Accounts++
	if f.Chronic(started) {
		n.Chronic++
		p.Chronic++
	}
	n.Verdicts[f.Verdict]++
	p.Verdicts[f.Verdict]++
	p.TwoFactor[f.TwoFactor]++
	if f.Verdict != Unverified {
		n.Verified++
	}
	if f.Verdict.Fine() || f.Verdict == SingleFactor {
		n.TwoFactor[f.TwoFactor]++
	}
	if f.Verdict.Failing() || f.Verdict == Unverified && f.Previous.Failing() {
		n.Open++
	}
	if f.ByTraffic {
		n.Quality.ByTraffic++
	}
	n.countAttested(f)
	if f.Reversal != nil {
		n.Quality.Reversed++
		if f.Reversal.Told {
			n.Quality.ToldThenReversed++
		}
	}
	n.Changes.count(f)
	p.Changes.count(f)
	if f.Wording != "" {
		n.countUnknown(f)
	}
}

func (n *Numbers) countAttested(f Finding) {
	a := f.Attested
	if a.Kind == "" {
		return
	}
	if f.TwoFactor != a.From {
		if n.Attested == nil {
			n.Attested = map[AttestationKind]int{}
		}
		n.Attested[a.Kind]++
	}
	if a.Against != "" {
		n.Contradicted++
	}
}

// wordingsAtMost bounds what a hostile or broken server can add to a report.
const wordingsAtMost = 100

func (n *Numbers) countUnknown(f Finding) {
	i := slices.IndexFunc(n.Unknown, func(u UnknownReply) bool { return u.Provider == f.Provider && u.Wording == f.Wording })
	switch {
	case i >= 0:
		n.Unknown[i].Count++
	case len(n.Unknown) < wordingsAtMost:
		n.Unknown = append(n.Unknown, UnknownReply{Provider: f.Provider, Wording: f.Wording, Reply: f.Reply, Count: 1})
	}
}

func (c *Changes) count(f Finding) {
	switch {
	case f.Verdict.Failing() && f.Previous.Failing():
		c.StillFailing++
	case f.Verdict.Failing():
		c.NewlyFailing++
	case f.Verdict.Fine() && f.Previous.Failing():
		c.Recovered++
	}
}
