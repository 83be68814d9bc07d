// Package fastmail is Fastmail, which demands an app password with or without two-step verification and
// refuses the account's own; its Basic plan has no SMTP at all.
package fastmail

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

// Provider is Fastmail.
var Provider = providers.Provider{
	Name:  "fastmail",
	Title: "Fastmail",
	Brands: []providers.Brand{{
		Name:          "fastmail",
		Title:         "Fastmail",
		Hosts:         []string{"smtp.fastmail.com", ".fastmail.com", ".messagingengine.com"},
		Domains:       []string{"fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "fastmail.co.uk", "fastmail.de", "fastmail.es", "fastmail.in", "fastmail.jp", "fastmail.mx", "fastmail.nl", "fastmail.se", "fastmail.to", "fastmail.tw", "fastmail.uk", "fastmail.us", "messagingengine.com", "sent.com", "fmail.co.uk"},
		MX:            []string{".messagingengine.com"},
		CustomDomains: true,
		Endpoint:      providers.Endpoint{Host: "smtp.fastmail.com", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{
			{Host: "smtp.fastmail.com", Port: 587, Security: providers.STARTTLS},
		},
		// Nothing else than an app password is accepted, whatever it looks like (fastmail.help, app passwords).
		Proofs: map[providers.Kind]providers.Proof{
			providers.KindAppPassword: {TwoFactor: providers.TwoFactorUnknown},
			providers.KindOrdinary:    {TwoFactor: providers.TwoFactorUnknown},
			providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
		},
		HelpURL: "https://www.fastmail.help/hc/en-us/articles/360058752854",
	}},
	Mechanisms: []providers.Mechanism{providers.Plain},
	Shape:      func(secret string) providers.Kind { return providers.Alphanumeric(secret, 16) },
	Rules:      providers.MustParseRules("fastmail", rules),
	Files:      guides,
}
