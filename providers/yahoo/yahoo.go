// Package yahoo is Yahoo Mail, AOL (with Verizon) and AT&T, which run on one platform and answer alike.
//
// Ordinary passwords are refused for other people's programs since about 2020. An app password outlives a
// change of the account's password, and none of the help pages names two-step verification as its condition,
// so an accepted one proves nothing about it.
package yahoo

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

var proofs = map[providers.Kind]providers.Proof{
	providers.KindAppPassword: {TwoFactor: providers.TwoFactorUnknown},
	providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
	providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
}

const (
	aolClient   = "aol"
	aolTokenURL = "https://api.login.aol.com/oauth2/get_token"
)

// Provider is Yahoo.
var Provider = providers.Provider{
	Name:  "yahoo",
	Title: "Yahoo",
	Brands: []providers.Brand{{
		Name:  "yahoo",
		Title: "Yahoo Mail",
		Hosts: []string{"smtp.mail.yahoo.com", ".mail.yahoo.com", ".am0.yahoodns.net", "smtp.bizmail.yahoo.com"},
		// yahoo.co.jp is another company's.
		Domains: []string{
			"yahoo.com", "yahoo.de", "yahoo.it", "yahoo.fr", "yahoo.es", "yahoo.se", "yahoo.dk", "yahoo.no", "yahoo.fi",
			"yahoo.nl", "yahoo.be", "yahoo.at", "yahoo.pl", "yahoo.ro", "yahoo.gr", "yahoo.ie", "yahoo.ca", "yahoo.in",
			"yahoo.co.in", "yahoo.co.uk", "yahoo.co.nz", "yahoo.co.id", "yahoo.co.th", "yahoo.co.za", "yahoo.com.au",
			"yahoo.com.ar", "yahoo.com.br", "yahoo.com.mx", "yahoo.com.co", "yahoo.com.pe", "yahoo.com.ph", "yahoo.com.sg",
			"yahoo.com.hk", "yahoo.com.tw", "yahoo.com.tr", "yahoo.com.vn", "yahoo.com.my", "yahoo.cl",
			"ymail.com", "myyahoo.com", "rocketmail.com", "cox.net",
		},
		MX:            []string{".am0.yahoodns.net"},
		CustomDomains: true,
		Endpoint:      providers.Endpoint{Host: "smtp.mail.yahoo.com", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{
			{Host: "smtp.mail.yahoo.com", Port: 587, Security: providers.STARTTLS},
		},
		Proofs:  proofs,
		HelpURL: "https://help.yahoo.com/kb/SLN15241.html",
	}, {
		Name:  "aol",
		Title: "AOL Mail",
		// AOL wants client credentials of its own (senders.yahooinc.com/developer).
		OAuth:    aolClient,
		TokenURL: aolTokenURL,
		Hosts:    []string{"smtp.aol.com", ".mail.aol.com", ".gm0.yahoodns.net"},
		Domains: []string{
			"aol.com", "aol.de", "aol.it", "aol.fr", "aol.es", "aol.se", "aol.co.uk", "aol.co.nz", "aol.com.au",
			"aol.com.ar", "aol.com.br", "aol.com.mx", "aim.com", "netscape.net", "netscape.com", "compuserve.com",
			"cs.com", "wmconnect.com",
		},
		MX:           []string{".gm0.yahoodns.net"},
		Endpoint:     providers.Endpoint{Host: "smtp.aol.com", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{{Host: "smtp.aol.com", Port: 587, Security: providers.STARTTLS}},
		Proofs:       proofs,
		HelpURL:      "https://help.aol.com/articles/Create-and-manage-app-password",
	}, {
		Name:         "verizon",
		Title:        "Verizon Mail",
		OAuth:        aolClient,
		TokenURL:     aolTokenURL,
		Hosts:        []string{"smtp.verizon.net", "outgoing.verizon.net"},
		Domains:      []string{"verizon.net"},
		Endpoint:     providers.Endpoint{Host: "smtp.aol.com", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{{Host: "smtp.aol.com", Port: 587, Security: providers.STARTTLS}},
		Proofs:       proofs,
		HelpURL:      "https://help.aol.com/articles/Create-and-manage-app-password",
	}, {
		Name:  "att",
		Title: "AT&T Mail",
		Hosts: []string{"smtp.mail.att.net", "outbound.att.net", ".mail.att.net", ".att.net"},
		Domains: []string{
			"att.net", "sbcglobal.net", "bellsouth.net", "ameritech.net", "pacbell.net", "swbell.net", "snet.net",
			"prodigy.net", "flash.net", "nvbell.net", "wans.net", "currently.com",
		},
		MX:           []string{"mx-att.mail.am0.yahoodns.net", ".mx-att.mail.am0.yahoodns.net"},
		Endpoint:     providers.Endpoint{Host: "smtp.mail.att.net", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{{Host: "outbound.att.net", Port: 465, Security: providers.ImplicitTLS}},
		Proofs:       proofs, // of the Secure Mail Key
		HelpURL:      "https://www.att.com/support/article/email-support/KM1240462/",
	}},
	Mechanisms:      []providers.Mechanism{providers.Plain, providers.Login},
	OAuthMechanisms: []providers.Mechanism{providers.OAuthBearer, providers.XOAuth2},
	TokenURL:        "https://api.login.yahoo.com/oauth2/get_token",
	// "It may change, and when it does you should use the new one" (Yahoo, DSP API, refresh token, read
	// 2026-11-23); whether the old one lives on is said nowhere.
	Rotation: providers.RotationEnds,
	Shape:    providers.Letters16,
	Trim:     providers.TrimLetters16,
	Rules:    providers.MustParseRules("yahoo", rules),
	Files:    guides,
}
