// Package zoho is Zoho Mail in its data centres.
//
// An app password is required where two-factor authentication is on; without it the ordinary password works
// too. A mailbox lives in one data centre and is refused by all others with the text of a wrong password.
package zoho

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

// centres are the data centres by their domain (zoho.com/mail/help/zoho-smtp.html).
var centres = []struct{ name, suffix, personal, organisation string }{
	{"", "zoho.com", "smtp.zoho.com", "smtppro.zoho.com"},
	{"-eu", "zoho.eu", "smtp.zoho.eu", "smtppro.zoho.eu"},
	{"-in", "zoho.in", "smtp.zoho.in", "smtppro.zoho.in"},
	{"-au", "zoho.com.au", "smtp.zoho.com.au", "smtppro.zoho.com.au"},
	{"-jp", "zoho.jp", "smtp.zoho.jp", "smtppro.zoho.jp"},
	{"-sa", "zoho.sa", "smtp.zoho.sa", "smtppro.zoho.sa"},
	{"-cn", "zoho.com.cn", "smtp.zoho.com.cn", "smtppro.zoho.com.cn"},
	{"-ca", "zohocloud.ca", "smtp.zohocloud.ca", "smtppro.zohocloud.ca"},
}

// brands makes two brands a centre: personal mailboxes, and organisations with domains of their own, which are
// served by a host of their own.
func brands() []providers.Brand {
	proofs := map[providers.Kind]providers.Proof{
		providers.KindAppPassword: {TwoFactor: providers.TwoFactorUnknown},
		providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorAbsent},
		providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
	}
	const help = "https://www.zoho.com/mail/help/zoho-smtp.html"
	var out []providers.Brand
	for _, c := range centres {
		personal := providers.Brand{
			Name:     "zoho" + c.name,
			Title:    "Zoho Mail",
			Hosts:    []string{c.personal},
			Domains:  []string{c.suffix},
			Endpoint: providers.Endpoint{Host: c.personal, Port: 465, Security: providers.ImplicitTLS},
			Alternatives: []providers.Endpoint{
				{Host: c.personal, Port: 587, Security: providers.STARTTLS},
				{Host: c.organisation, Port: 465, Security: providers.ImplicitTLS},
			},
			Proofs:  proofs,
			HelpURL: help,
		}
		switch c.suffix {
		case "zoho.com", "zoho.eu", "zoho.in":
			personal.Domains = append(personal.Domains, "zohomail"+c.suffix[len("zoho"):])
		}
		out = append(out, personal, providers.Brand{
			Name:          "zoho-organisation" + c.name,
			Title:         "Zoho Mail",
			Hosts:         []string{c.organisation, "." + c.suffix},
			MX:            []string{"." + c.suffix},
			CustomDomains: true,
			Endpoint:      providers.Endpoint{Host: c.organisation, Port: 465, Security: providers.ImplicitTLS},
			Alternatives: []providers.Endpoint{
				{Host: c.organisation, Port: 587, Security: providers.STARTTLS},
				{Host: c.personal, Port: 465, Security: providers.ImplicitTLS},
			},
			Proofs:  proofs,
			HelpURL: help,
		})
	}
	return out
}

// Provider is Zoho.
var Provider = providers.Provider{
	Name:       "zoho",
	Title:      "Zoho",
	Brands:     brands(),
	Mechanisms: []providers.Mechanism{providers.Plain, providers.Login},
	Shape:      func(secret string) providers.Kind { return providers.Alphanumeric(secret, 12, 16) },
	Rules:      providers.MustParseRules("zoho", rules),
	Files:      guides,
}
