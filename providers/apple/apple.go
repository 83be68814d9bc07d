// Package apple is iCloud Mail.
//
// Apple has taken nothing but app-specific passwords since 15 June 2017 and demands two-factor authentication to
// make and to use them. All of them end when the Apple Account's password is changed. The user name is the
// iCloud address, also for a domain of the customer's own.
package apple

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

// Provider is Apple.
var Provider = providers.Provider{
	Name:  "apple",
	Title: "Apple",
	Brands: []providers.Brand{{
		Name:          "icloud",
		Title:         "iCloud Mail",
		Hosts:         []string{"smtp.mail.me.com", ".mail.me.com", "smtp.mail.icloud.com", ".mail.icloud.com"},
		Domains:       []string{"icloud.com", "me.com", "mac.com"},
		MX:            []string{"mx01.mail.icloud.com", "mx02.mail.icloud.com", ".mail.icloud.com"},
		CustomDomains: true,
		Endpoint:      providers.Endpoint{Host: "smtp.mail.me.com", Port: 587, Security: providers.STARTTLS},
		Proofs: map[providers.Kind]providers.Proof{
			providers.KindAppPassword: {TwoFactor: providers.TwoFactorShown}, // support.apple.com/102654
			providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
		},
		HelpURL: "https://support.apple.com/102654",
	}},
	Mechanisms: []providers.Mechanism{providers.Plain, providers.Login},
	Shape:      providers.HyphenatedGroups,
	Rules:      providers.MustParseRules("apple", rules),
	Files:      guides,
}
