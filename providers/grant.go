package providers

import "context"

// Grant makes an attempt one by OAuth: the attempt's secret is a refresh token, which is given to a token
// endpoint for an access token; the mail server is given that one, which is never kept.
type Grant struct {
	Client Client
	Scopes []string
	// Keep stores a refresh token that has taken the place of the attempt's secret. It is called before
	// anything else is done with the answer that brought it, even where ctx has ended; its error ends the
	// attempt. It must be safe to call it twice.
	Keep func(ctx context.Context, fresh Secret) error
}

// Client is the operator's registration at a token endpoint.
type Client struct {
	ID       string
	Secret   Secret // empty for a public client
	TokenURL string // https, or http to loopback
}

// Rotation is what becomes of a refresh token once it was used.
type Rotation string

const (
	RotationNone  Rotation = "none"  // it stays the grant's only one
	RotationKeeps Rotation = "keeps" // a new one comes with each answer, and the old one lives on
	RotationEnds  Rotation = "ends"  // a new one may come and end the old one; what is not known counts as this
)

// Ends reports whether a refresh can cost the grant where the new refresh token cannot be stored.
func (r Rotation) Ends() bool { return r != RotationNone && r != RotationKeeps }

// TokenEndpoint is where a brand's refresh tokens are redeemed by default; "" where none is known.
func (p *Provider) TokenEndpoint(b *Brand) string {
	if b != nil && b.TokenURL != "" {
		return b.TokenURL
	}
	return p.TokenURL
}
