// Package google is Gmail and Google Workspace.
//
// Google has taken no ordinary password over SMTP since 2022 (personal) and 2025 (Workspace): what is accepted
// is an app password, which can only be made with 2-Step Verification on, or an OAuth token.
package google

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

const (
	host = "smtp.gmail.com"
	help = "https://support.google.com/accounts/answer/185833"
)

var (
	implicit = providers.Endpoint{Host: host, Port: 465, Security: providers.ImplicitTLS}
	starttls = providers.Endpoint{Host: host, Port: 587, Security: providers.STARTTLS}

	// An app password needed 2-Step Verification when it was made (support.google.com/accounts/answer/185833).
	// An ordinary password should not be accepted at all: if one is, a single factor opens the mailbox.
	proofs = map[providers.Kind]providers.Proof{
		providers.KindAppPassword: {TwoFactor: providers.TwoFactorShown},
		providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
		providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
	}
)

// Provider is Google.
var Provider = providers.Provider{
	Name:  "google",
	Title: "Google",
	Brands: []providers.Brand{{
		Name:         "gmail",
		Title:        "Gmail",
		Hosts:        []string{host, "smtp.googlemail.com"},
		Domains:      []string{"gmail.com", "googlemail.com"},
		MX:           []string{"gmail-smtp-in.l.google.com", ".gmail-smtp-in.l.google.com"},
		Endpoint:     implicit,
		Alternatives: []providers.Endpoint{starttls},
		Proofs:       proofs,
		HelpURL:      help,
	}, {
		Name:          "workspace",
		Title:         "Google Workspace",
		Hosts:         []string{host, "smtp.googlemail.com", ".gmail.com", ".googlemail.com", ".google.com"},
		MX:            []string{".google.com", ".googlemail.com"}, // aspmx.l.google.com, aspmx2.googlemail.com, smtp.google.com
		CustomDomains: true,
		Endpoint:      implicit,
		Alternatives:  []providers.Endpoint{starttls},
		Proofs:        proofs,
		HelpURL:       help,
	}},
	Mechanisms:      []providers.Mechanism{providers.Plain, providers.Login},
	OAuthMechanisms: []providers.Mechanism{providers.XOAuth2, providers.OAuthBearer},
	TokenURL:        "https://oauth2.googleapis.com/token",
	// "The refresh token is only returned on the first authorization" (developers.google.com/identity/protocols/oauth2).
	Rotation: providers.RotationNone,
	Shape:    providers.Letters16,
	Trim:     providers.TrimLetters16,
	Rules:    providers.MustParseRules("google", rules),
	Files:    guides,
}
