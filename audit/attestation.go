package audit

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"mailaudit/providers"
)

// AttestationKind says who attests an account's second factor, and what.
type AttestationKind string

const (
	GoogleEnrolled    AttestationKind = "google_2sv_enrolled"  // Directory API, isEnrolledIn2Sv
	GoogleEnforced    AttestationKind = "google_2sv_enforced"  // Directory API, isEnforcedIn2Sv
	EntraRegistered   AttestationKind = "entra_mfa_registered" // Graph, userRegistrationDetails.isMfaRegistered
	OIDCMultiFactor   AttestationKind = "oidc_amr_mfa"         // an ID token whose amr claim has mfa
	CustomerStatement AttestationKind = "customer_statement"   // the customer said so
)

// AttestationKinds are all kinds, in the order of reports.
var AttestationKinds = [...]AttestationKind{GoogleEnrolled, GoogleEnforced, EntraRegistered, OIDCMultiFactor, CustomerStatement}

// Attestation is one row of the relation attestations.
type Attestation struct {
	AccountID string
	Kind      AttestationKind
	Value     bool
	SeenAt    time.Time
	ExpiresAt time.Time // zero: never
}

// Attestations are what the product attests of some accounts.
type Attestations struct {
	ByAccount map[string][]Attestation
	// Odd says of rows that were left out what is wrong with them, each kind of fault once. It repeats no value.
	Odd []string
}

// NewAttestation reads one row; odd says what is wrong with it, and "" that nothing is. value is nil where it is neither
// yes nor no.
func NewAttestation(accountID, kind string, value *bool, seenAt, expiresAt time.Time) (a Attestation, odd string) {
	a = Attestation{AccountID: accountID, Kind: AttestationKind(strings.ToLower(strings.TrimSpace(kind))), SeenAt: seenAt, ExpiresAt: expiresAt}
	switch {
	case !slices.Contains(AttestationKinds[:], a.Kind):
		return a, "column kind holds a word that is no kind"
	case value == nil:
		return a, "column value holds neither yes nor no"
	case seenAt.IsZero():
		return a, "column seen_at holds no time"
	}
	a.Value = *value
	return a, ""
}

// Add adds a row, or what is wrong with it.
func (all *Attestations) Add(a Attestation, odd string) {
	switch {
	case odd == "":
		if all.ByAccount == nil {
			all.ByAccount = map[string][]Attestation{}
		}
		all.ByAccount[a.AccountID] = append(all.ByAccount[a.AccountID], a)
	case !slices.Contains(all.Odd, odd):
		all.Odd = append(all.Odd, odd)
	}
}

// Attested is what an attestation adds to what the sign-in shows of two-factor. The zero value adds nothing.
type Attested struct {
	Kind      AttestationKind     `json:"kind,omitempty"`
	SeenAt    time.Time           `json:"seen_at,omitzero"`    // never younger than in the relation, see [decide.Attest]
	ExpiresAt time.Time           `json:"expires_at,omitzero"` // zero: never
	From      providers.TwoFactor `json:"from,omitempty"`      // what the sign-in alone shows
	Against   string              `json:"against,omitempty"`   // what speaks against it: absent, single_factor, or another kind; "" for nothing
}

// Same reports whether two say the same.
func (a Attested) Same(b Attested) bool {
	return a.Kind == b.Kind && a.SeenAt.Equal(b.SeenAt) && a.ExpiresAt.Equal(b.ExpiresAt) && a.From == b.From && a.Against == b.Against
}

// AgeDays is how many whole days ago the attestation was seen.
func (a Attested) AgeDays(now time.Time) int { return max(0, int(now.Sub(a.SeenAt)/(24*time.Hour))) }

// Text is how stores keep it; "" for the zero value.
func (a Attested) Text() string {
	if a.Kind == "" {
		return ""
	}
	text, _ := json.Marshal(a) // texts and times always marshal
	return string(text)
}

// ReadAttested reads what [Attested.Text] wrote. What cannot be read adds nothing.
func ReadAttested(text string) (a Attested) {
	if text == "" || json.Unmarshal([]byte(text), &a) != nil {
		return Attested{}
	}
	return a
}
