package providers

import "slices"

// Class is what a provider means by a reply, for the person who must act.
type Class string

const (
	Accepted              Class = "accepted"
	CredentialRejected    Class = "credential_rejected"      // user name, password or grant wrong, expired or revoked
	AppPasswordRequired   Class = "app_password_required"    // two-step verification is on, the secret is the ordinary password
	BrowserSignInRequired Class = "browser_sign_in_required" // the owner must sign in on the web first
	MFARequired           Class = "mfa_required"             // a second factor or an interaction is demanded
	AuthDisabled          Class = "auth_disabled"            // provider, administrator or plan has this way of signing in off
	AccountBlocked        Class = "account_blocked"          // locked, suspended, disabled, expired, deleted, unpaid
	Throttled             Class = "throttled"                // too many attempts or connections
	Temporary             Class = "temporary"                // any other passing failure
	ClientRefused         Class = "client_refused"           // our side is refused whatever the account: address, HELO, OAuth client
	Misconfigured         Class = "misconfigured"            // the stored settings ask for what the server does not do
	Unknown               Class = "unknown"                  // no rule knows the reply
)

var classes = []Class{Accepted, CredentialRejected, AppPasswordRequired, BrowserSignInRequired, MFARequired, AuthDisabled,
	AccountBlocked, Throttled, Temporary, ClientRefused, Misconfigured, Unknown}

// Classes returns every class but [Unknown].
func Classes() []Class {
	return slices.DeleteFunc(slices.Clone(classes), func(c Class) bool { return c == Unknown })
}

// Valid reports whether c is a class at all.
func (c Class) Valid() bool { return slices.Contains(classes, c) }

// Customer reports whether the class speaks of what the customer, or the customer's administrator, can fix. A
// misconfigured account is theirs only at a host of their own choosing.
func (c Class) Customer() bool {
	switch c {
	case CredentialRejected, AppPasswordRequired, BrowserSignInRequired, MFARequired, AuthDisabled, AccountBlocked, Misconfigured:
		return true
	}
	return false
}

// Certainty reports whether a finding may be told the same night.
type Certainty string

const (
	Definite  Certainty = "definite"  // the provider itself names the cause
	Ambiguous Certainty = "ambiguous" // the same reply has other causes too
)

// TwoFactor is what the evidence shows about a second factor on the mailbox.
type TwoFactor string

const (
	TwoFactorShown   TwoFactor = "shown"
	TwoFactorLikely  TwoFactor = "likely"
	TwoFactorUnknown TwoFactor = "unknown"
	TwoFactorAbsent  TwoFactor = "absent"
)

// Actor is who can fix a finding.
type Actor string

const (
	ActorCustomer      Actor = "customer"
	ActorAdministrator Actor = "administrator" // the customer's own administrator at the provider
	ActorUs            Actor = "us"            // the operator of the product
)

// Basis is how a rule came to read a reply, and so how far the reading can be relied on.
type Basis string

const (
	BasisRule    Basis = "rule"    // the wording, or the provider's own code or number, is known
	BasisGrammar Basis = "grammar" // inferred from whom the reply speaks of and what it says of them
	BasisDefault Basis = "default" // what the bare code of a standard stands for; no words helped
	BasisFault   Basis = "fault"   // there was no reply: inferred from what kept it from coming
)

// Reading is what the rules made of a conversation.
type Reading struct {
	Class     Class
	Rule      string // "google/bad-credentials"; "" where no rule knows the reply
	Basis     Basis  // "" where no rule knows the reply
	Certainty Certainty
	TwoFactor TwoFactor // evidence that the reply itself carries; "" if none
	Actor     Actor     // "" where the class says enough
	Retired   bool      // the provider has ended this way of signing in for good
	MayPass   bool      // the words are permanent, the code is a 4xx: a back end that is down says such things too
}

// Accuses reports whether the reading may be held against the customer: never what is our own doing, such as a
// sign-in exchange that the server found malformed. Whether a misconfigured account is the customer's depends
// on the host too; see [Provider.Read].
func (r Reading) Accuses() bool {
	_, accuses := r.Accusation()
	return accuses
}

// Accusation is what a reply holds against the mailbox's owner or administrator. Only [Reading.Accusation] makes one, of
// no reading whose actor is us. Verdicts that customers hear of are made of accusations alone, so that no rule about our own
// doing can lead to a mail, whatever is written between the two.
type Accusation struct{ reading Reading }

// Accusation is what may be held against the customer; false where nothing may.
func (r Reading) Accusation() (Accusation, bool) {
	if !r.Class.Customer() || r.Actor == ActorUs {
		return Accusation{}, false
	}
	if r.Actor == "" {
		r.Actor = ActorCustomer
	}
	return Accusation{r}, true
}

// Class is what is held against the customer; "" of the zero value.
func (a Accusation) Class() Class { return a.reading.Class }

// Actor is who can fix it: the customer or the mailbox's administrator, never us.
func (a Accusation) Actor() Actor { return a.reading.Actor }

// Certainty is how surely the provider itself names the cause.
func (a Accusation) Certainty() Certainty { return a.reading.Certainty }

// TwoFactor is the evidence that the reply carries; "" if none.
func (a Accusation) TwoFactor() TwoFactor { return a.reading.TwoFactor }

// Retired reports whether the provider has ended this way of signing in for good.
func (a Accusation) Retired() bool { return a.reading.Retired }

// Passing reports whether asking again later in the same run can help.
func (r Reading) Passing() bool { return r.Class == Throttled || r.Class == Temporary || r.MayPass }
