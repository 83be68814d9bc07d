package decide

import (
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

func brand(t *testing.T, provider, name string) *providers.Brand {
	t.Helper()
	p, ok := catalog.ByName(provider)
	if !ok {
		t.Fatalf("no provider %q", provider)
	}
	b, ok := p.Brand(name)
	if !ok {
		t.Fatalf("%s has no brand %q", provider, name)
	}
	return b
}

// The rows of an accepted secret: what each provider's own rule makes it prove.
func TestJudgeAccepted(t *testing.T) {
	for _, c := range []struct {
		provider, brand string
		kind            providers.Kind
		verdict         audit.Verdict
		factor          providers.TwoFactor
	}{
		{"google", "gmail", providers.KindAppPassword, audit.Compliant, providers.TwoFactorShown},
		{"google", "workspace", providers.KindAppPassword, audit.Compliant, providers.TwoFactorShown},
		{"google", "gmail", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorUnknown},
		{"google", "gmail", providers.KindGrant, audit.Compliant, providers.TwoFactorUnknown},
		{"microsoft", "m365", providers.KindAppPassword, audit.Compliant, providers.TwoFactorLikely},
		{"microsoft", "m365", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorUnknown},
		{"microsoft", "outlook", providers.KindAppPassword, audit.SingleFactor, providers.TwoFactorUnknown},
		{"microsoft", "outlook", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorUnknown},
		{"microsoft", "outlook", providers.KindGrant, audit.Compliant, providers.TwoFactorUnknown},
		{"yahoo", "yahoo", providers.KindAppPassword, audit.Compliant, providers.TwoFactorUnknown},
		{"yahoo", "aol", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorUnknown},
		{"apple", "", providers.KindAppPassword, audit.Compliant, providers.TwoFactorShown},
		{"apple", "", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorUnknown},
		{"zoho", "", providers.KindAppPassword, audit.Compliant, providers.TwoFactorUnknown},
		{"zoho", "", providers.KindOrdinary, audit.SingleFactor, providers.TwoFactorAbsent},
		{"fastmail", "", providers.KindOrdinary, audit.Compliant, providers.TwoFactorUnknown},
		{"other", "", providers.KindOrdinary, audit.Unproven, providers.TwoFactorUnknown},
		{"other", "", providers.KindAppPassword, audit.Unproven, providers.TwoFactorUnknown},
		{"other", "", providers.KindGrant, audit.Compliant, providers.TwoFactorUnknown},
	} {
		p, _ := catalog.ByName(c.provider)
		b := &p.Brands[0]
		if c.brand != "" {
			b = brand(t, c.provider, c.brand)
		}
		got := Judge(Case{Reading: providers.Reading{Class: providers.Accepted, Certainty: providers.Definite}, Kind: c.kind, Brand: b})
		if got.Verdict != c.verdict || got.TwoFactor != c.factor {
			t.Errorf("%s %s accepts %s: %s, second factor %s; want %s, %s", c.provider, c.brand, c.kind, got.Verdict, got.TwoFactor, c.verdict, c.factor)
		}
		if got.Verdict == audit.SingleFactor && got.Certainty != providers.Ambiguous {
			t.Errorf("%s %s: what follows from a secret's shape is %s", c.provider, c.brand, got.Certainty)
		}
	}
}

func TestJudgeRefused(t *testing.T) {
	outlook, m365 := brand(t, "microsoft", "outlook"), brand(t, "microsoft", "m365")
	for name, c := range map[string]struct {
		of   Case
		want audit.Judgement
	}{
		"refused, accepted before": {Case{Reading: providers.Reading{Class: providers.CredentialRejected}, AcceptedBefore: true},
			audit.Judgement{Verdict: audit.Revoked, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous, Actor: providers.ActorCustomer}},
		"refused, never accepted": {Case{Reading: providers.Reading{Class: providers.CredentialRejected, Certainty: providers.Definite}},
			audit.Judgement{Verdict: audit.Invalid, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"app password wanted": {Case{Reading: providers.Reading{Class: providers.AppPasswordRequired, Certainty: providers.Definite}},
			audit.Judgement{Verdict: audit.AppPasswordRequired, TwoFactor: providers.TwoFactorShown, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"browser": {Case{Reading: providers.Reading{Class: providers.BrowserSignInRequired, Certainty: providers.Definite}},
			audit.Judgement{Verdict: audit.SignInBlocked, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"second factor asked, not set up": {Case{Reading: providers.Reading{Class: providers.MFARequired, Certainty: providers.Definite, TwoFactor: providers.TwoFactorAbsent}},
			audit.Judgement{Verdict: audit.SignInBlocked, TwoFactor: providers.TwoFactorAbsent, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"switched off by the administrator": {Case{Reading: providers.Reading{Class: providers.AuthDisabled, Certainty: providers.Definite, Actor: providers.ActorAdministrator}, Brand: m365},
			audit.Judgement{Verdict: audit.AuthDisabled, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorAdministrator}},
		"ended for good": {Case{Reading: providers.Reading{Class: providers.AuthDisabled, Retired: true}, Brand: m365},
			audit.Judgement{Verdict: audit.MethodRetired, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous, Actor: providers.ActorCustomer}},
		"personal Outlook takes no password": {Case{Reading: providers.Reading{Class: providers.AuthDisabled, Certainty: providers.Definite}, Brand: outlook, Kind: providers.KindAppPassword},
			audit.Judgement{Verdict: audit.MethodRetired, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"locked": {Case{Reading: providers.Reading{Class: providers.AccountBlocked, Certainty: providers.Definite}},
			audit.Judgement{Verdict: audit.AccountBlocked, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer}},
		"settings of the customer's own host": {Case{Reading: providers.Reading{Class: providers.Misconfigured, Certainty: providers.Definite}, ForeignHost: true},
			audit.Judgement{Verdict: audit.Misconfigured, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous, Actor: providers.ActorCustomer}},
		"settings of a provider's host": {Case{Reading: providers.Reading{Class: providers.Misconfigured, Certainty: providers.Definite}}, unverified},
		"an exchange of ours that the customer's own host found malformed": {
			Case{Reading: providers.Reading{Class: providers.Misconfigured, Actor: providers.ActorUs}, ForeignHost: true}, unverified},
		"a refusal that is our own doing": {
			Case{Reading: providers.Reading{Class: providers.CredentialRejected, Actor: providers.ActorUs}, AcceptedBefore: true}, unverified},
		"throttled":       {Case{Reading: providers.Reading{Class: providers.Throttled, Certainty: providers.Definite}}, unverified},
		"temporary":       {Case{Reading: providers.Reading{Class: providers.Temporary}, AcceptedBefore: true, ForeignHost: true}, unverified},
		"our side":        {Case{Reading: providers.Reading{Class: providers.ClientRefused, Certainty: providers.Definite}, ForeignHost: true}, unverified},
		"unknown":         {Case{Reading: providers.Reading{Class: providers.Unknown}}, unverified},
		"no class at all": {Case{}, unverified},
	} {
		if got := Judge(c.of); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

var unverified = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous, Actor: ""}

// Whatever a rule with actor us says, of whichever class and certainty, it holds nothing against a customer.
func TestNoRuleAboutUsAccuses(t *testing.T) {
	for _, class := range []providers.Class{
		providers.CredentialRejected, providers.AppPasswordRequired, providers.BrowserSignInRequired, providers.MFARequired, providers.AuthDisabled,
		providers.AccountBlocked, providers.Misconfigured, providers.Throttled, providers.Temporary, providers.Unknown, providers.ClientRefused,
	} {
		for _, before := range []bool{false, true} {
			reading := providers.Reading{Class: class, Actor: providers.ActorUs, Certainty: providers.Definite, Retired: true, TwoFactor: providers.TwoFactorAbsent}
			if a, accuses := reading.Accusation(); accuses || a != (providers.Accusation{}) {
				t.Errorf("%s: an accusation is made of it", class)
			}
			if got := Judge(Case{Reading: reading, ForeignHost: true, AcceptedBefore: before}); got.Verdict != audit.Unverified || got.Actor != "" {
				t.Errorf("%s: %+v", class, got)
			}
		}
	}
}
