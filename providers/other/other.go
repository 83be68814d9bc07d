// Package other is every mailbox that no known provider owns: hosting companies, internet providers, a clinic's
// own server. Most have neither app passwords nor a second factor for mail, so an accepted password proves
// nothing; what guards the panel cannot be seen from here.
package other

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

// Provider is "other". Its brand has no endpoint: without a stored host there is nothing to ask.
var Provider = providers.Provider{
	Name:  "other",
	Title: "Other",
	Brands: []providers.Brand{{
		Name:          "other",
		Title:         "Other",
		CustomDomains: true,
		Proofs: map[providers.Kind]providers.Proof{
			providers.KindAppPassword: {Nothing: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindOrdinary:    {Nothing: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
		},
	}},
	Mechanisms: []providers.Mechanism{providers.Plain, providers.Login, providers.ScramSHA256, providers.ScramSHA1},
	Shape:      providers.Ordinary,
	Rules:      providers.MustParseRules("other", rules),
	Files:      guides,
}
