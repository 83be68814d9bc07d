// Package microsoft is Microsoft 365 (Exchange Online) and personal Outlook.com, Hotmail, Live and MSN.
//
// Exchange Online offers AUTH LOGIN and XOAUTH2 and no PLAIN. Personal mailboxes have taken no password over
// SMTP since 16 September 2024, an app password no more than any other.
package microsoft

import (
	_ "embed"

	"mailaudit/providers"
)

//go:embed rules.yaml
var rules []byte

// Provider is Microsoft.
var Provider = providers.Provider{
	Name:  "microsoft",
	Title: "Microsoft",
	Brands: []providers.Brand{{
		Name:          "m365",
		Title:         "Microsoft 365",
		Hosts:         []string{".office365.com", ".office365.us", ".partner.outlook.cn", ".mail.protection.outlook.com", ".mx.microsoft"},
		Domains:       []string{".onmicrosoft.com"},
		MX:            []string{".mail.protection.outlook.com", ".mx.microsoft", ".mail.protection.office365.us", ".mail.protection.partner.outlook.cn"},
		CustomDomains: true,
		Endpoint:      providers.Endpoint{Host: "smtp.office365.com", Port: 587, Security: providers.STARTTLS},
		// An app password here means per-user MFA when it was made; a conditional access policy may leave
		// SMTP out, so an ordinary password shows one factor, not that MFA is off.
		Proofs: map[providers.Kind]providers.Proof{
			providers.KindAppPassword: {TwoFactor: providers.TwoFactorLikely},
			providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
		},
		HelpURL: "https://mysignins.microsoft.com/security-info",
	}, {
		Name:     "outlook",
		Title:    "Outlook.com",
		Hosts:    []string{"smtp-mail.outlook.com", "smtp.live.com", "smtp.hotmail.com", "smtp.outlook.com", ".olc.protection.outlook.com"},
		Domains:  personalDomains,
		MX:       []string{".olc.protection.outlook.com"},
		Endpoint: providers.Endpoint{Host: "smtp-mail.outlook.com", Port: 587, Security: providers.STARTTLS},
		Alternatives: []providers.Endpoint{
			{Host: "smtp.office365.com", Port: 587, Security: providers.STARTTLS},
		},
		PasswordsRetired: true,
		Proofs: map[providers.Kind]providers.Proof{
			providers.KindAppPassword: {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindOrdinary:    {SingleFactor: true, TwoFactor: providers.TwoFactorUnknown},
			providers.KindGrant:       {TwoFactor: providers.TwoFactorUnknown},
		},
		HelpURL: "https://account.microsoft.com/security",
	}},
	Mechanisms:      []providers.Mechanism{providers.Login},
	OAuthMechanisms: []providers.Mechanism{providers.XOAuth2},
	TokenURL:        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
	// A grant may cover Graph as well, and an answer is for one audience: the one that is asked for.
	Scopes: []string{"https://outlook.office.com/SMTP.Send", "offline_access"},
	// "Refresh tokens replace themselves with a fresh token upon every use. The Microsoft identity platform
	// doesn't revoke old refresh tokens" (learn.microsoft.com, refresh tokens, read 2026-11-23).
	Rotation: providers.RotationKeeps,
	Shape:    providers.Letters16,
	Rules:    providers.MustParseRules("microsoft", rules),
	Files:    guides,
}
