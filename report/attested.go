package report

import (
	"strings"

	"mailaudit/audit"
)

// AttestedLine says by what the two-factor of accounts was raised: "2FA of 1,000 accounts raised by attestation: 600
// google_2sv_enrolled, 400 customer_statement; 3 contradicted"; "" where nothing was attested.
func (s *Summary) AttestedLine() string {
	n := s.Numbers
	total := 0
	var parts []string
	for _, kind := range audit.AttestationKinds {
		if of := n.Attested[kind]; of > 0 {
			total += of
			parts = append(parts, Count(of)+" "+string(kind))
		}
	}
	line := ""
	if total > 0 {
		line = "2FA of " + Accounts(total) + " raised by attestation: " + strings.Join(parts, ", ")
	}
	if n.Contradicted > 0 {
		if line == "" {
			return Number(n.Contradicted, "attestation", "attestations") + " contradicted"
		}
		line += "; " + Count(n.Contradicted) + " contradicted"
	}
	return line
}

// TrafficLine says how many accounts the product's own sending spared a sign-in: "1,204 by traffic, not asked"; "" for none.
func (s *Summary) TrafficLine() string {
	if s.Numbers.Quality.ByTraffic == 0 {
		return ""
	}
	return Count(s.Numbers.Quality.ByTraffic) + " by traffic, not asked"
}

// Factor is what is known of an account's two-factor, with the kind and age of what attests it.
func (s *Summary) Factor(f audit.Finding) string {
	words := Words(f.TwoFactor)
	if basis := AttestedWords(f, s.Run); basis != "" {
		words += " (" + basis + ")"
	}
	return words
}

// AttestedWords are the kind and age of an attestation, at the run, and what contradicts it: "entra_mfa_registered, seen 5 days
// ago"; "" for none.
func AttestedWords(f audit.Finding, run audit.Run) string {
	a := f.Attested
	if a.Kind == "" {
		return ""
	}
	age := "today"
	if days := a.AgeDays(run.StartedAt); days > 0 {
		age = Number(days, "day", "days") + " ago"
	}
	words := string(a.Kind) + ", seen " + age
	if a.Against != "" {
		words += ", contradicted: " + Contradiction(f)
	}
	return words
}

// Contradiction says in words what speaks against an account's attestation.
func Contradiction(f audit.Finding) string {
	switch f.Attested.Against {
	case "absent", string(audit.SingleFactor):
		return "an ordinary password was accepted"
	}
	return f.Attested.Against + " says no"
}

type jsonAttested struct {
	Kind    string `json:"kind"`
	SeenAt  string `json:"seen_at"`
	AgeDays int    `json:"age_days"` // at the run's start
	From    string `json:"from"`     // what the sign-in alone shows
	Against string `json:"against,omitempty"`
}

func (s *Summary) jsonAttested(f audit.Finding) *jsonAttested {
	a := f.Attested
	if a.Kind == "" {
		return nil
	}
	return &jsonAttested{string(a.Kind), stamp(a.SeenAt), a.AgeDays(s.Run.StartedAt), string(a.From), a.Against}
}

type jsonContradiction struct {
	AccountID string `json:"account_id"`
	TenantID  string `json:"tenant_id"`
	Provider  string `json:"provider"`
	Verdict   string `json:"verdict"`
	TwoFactor string `json:"two_factor"`
	*jsonAttested
}

type jsonAttestations struct {
	Raised         map[audit.AttestationKind]int `json:"raised"` // accounts whose two_factor was raised, by kind
	Contradicted   int                           `json:"contradicted"`
	Contradictions []jsonContradiction           `json:"contradictions"` // the first 200
}

func (s *Summary) jsonAttestations() jsonAttestations {
	out := jsonAttestations{map[audit.AttestationKind]int{}, s.Numbers.Contradicted, []jsonContradiction{}}
	for _, kind := range audit.AttestationKinds {
		out.Raised[kind] = s.Numbers.Attested[kind]
	}
	for _, f := range s.Contradicted {
		out.Contradictions = append(out.Contradictions, jsonContradiction{f.AccountID, f.TenantID, f.Provider, string(f.Verdict), string(f.TwoFactor), s.jsonAttested(f)})
	}
	return out
}

// attestedCells are the columns of the list of all accounts: kind, when it was seen, and whether the account was not asked.
func attestedCells(f audit.Finding) []string {
	cells := []string{string(f.Attested.Kind), stamp(f.Attested.SeenAt), "no"}
	if f.ByTraffic {
		cells[2] = "yes"
	}
	return cells
}

func (s *Summary) textContradicted(t *textWriter) {
	if len(s.Contradicted) == 0 {
		return
	}
	t.title("Attestations that the sign-in or another one contradicts")
	for _, f := range s.Contradicted[:min(len(s.Contradicted), textLines)] {
		t.wrap(Plain(f.AccountID)+" ", string(f.Verdict)+": "+AttestedWords(f, s.Run))
	}
	t.more(s.Numbers.Contradicted - min(len(s.Contradicted), textLines))
}
