package providers

import "io/fs"

// Kind is what a stored secret probably is, by its shape.
type Kind string

const (
	KindAppPassword Kind = "app_password"
	KindOrdinary    Kind = "ordinary"
	KindGrant       Kind = "grant" // an OAuth refresh token, by the account's auth column
)

// Proof is what follows from the acceptance of a secret.
type Proof struct {
	SingleFactor bool // one factor opened the mailbox
	Nothing      bool // inconclusive
	TwoFactor    TwoFactor
}

// Provider is everything the program knows of one provider. It is data and pure functions.
type Provider struct {
	Name   string // "google": file names, queue, configuration
	Title  string // "Google": how customers and operators call it
	Brands []Brand

	// Mechanisms that the provider bears for passwords, best first.
	Mechanisms []Mechanism
	// OAuthMechanisms for access tokens, best first; empty where the provider takes none.
	OAuthMechanisms []Mechanism
	// TokenURL is the default OAuth token endpoint; "" where there is none.
	TokenURL string
	// Scopes are asked for at a refresh; empty where the grant's own are what the mail server wants.
	Scopes []string
	// Rotation is what a refresh does to the refresh token.
	Rotation Rotation

	// Shape guesses the kind of a stored password: a hint, never proof.
	Shape func(secret string) Kind
	// Trim gives the form in which a secret goes over the wire, such as Google's groups of four without
	// their spaces. nil: as stored.
	Trim func(secret string) string

	Rules Rules
	Files fs.FS // guide/<locale>.md and pictures
}

// Brand is a name under which a provider is known, with what differs there.
type Brand struct {
	Name    string   // "aol"
	Title   string   // "AOL"
	Hosts   []string // SMTP hosts the brand owns: exact names, or ".suffix" on a label boundary
	Domains []string // address domains: exact names, or ".suffix"
	MX      []string // MX hosts: exact names, or ".suffix"

	// CustomDomains: the brand serves domains of its customers' own, so an address whose domain no brand of
	// the provider lists belongs here.
	CustomDomains bool

	Endpoint Endpoint // where an account without a stored host is asked; the zero value where none is known
	// Alternatives are further endpoints that the brand is known to serve.
	Alternatives []Endpoint

	// Proofs says what an accepted secret of each kind proves.
	Proofs map[Kind]Proof
	// PasswordsRetired: password sign-in has ended here for good, so "disabled" means "retired".
	PasswordsRetired bool

	HelpURL string // the brand's own help on app passwords

	// OAuth names the client that serves the brand where it is not the provider's own, and TokenURL that
	// client's token endpoint.
	OAuth    string
	TokenURL string
}

// Wire gives the form in which a stored password goes over the wire.
func (p *Provider) Wire(secret string) string {
	if p.Trim == nil {
		return secret
	}
	return p.Trim(secret)
}

// KindOf guesses what a stored password is. Without a shape rule it is an ordinary one.
func (p *Provider) KindOf(secret string) Kind {
	if p.Shape == nil {
		return KindOrdinary
	}
	return p.Shape(secret)
}

// Brand returns the brand of that name.
func (p *Provider) Brand(name string) (*Brand, bool) {
	for i := range p.Brands {
		if p.Brands[i].Name == name {
			return &p.Brands[i], true
		}
	}
	return nil, false
}
