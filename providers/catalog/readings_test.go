package catalog_test

import (
	"os"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// What a reading carries beside its class decides whom a finding is for, and when it is told.
func TestReadings(t *testing.T) {
	entra := func(code string) string {
		return `400` + "\n" + `{"error":"invalid_grant","error_description":"AADSTS` + code + `: words","error_codes":[` + code + `]}`
	}
	tests := []struct {
		provider string
		stage    providers.Stage
		wire     string
		want     providers.Reading
	}{
		{"google", "auth", "534 5.7.9 Application-specific password required.",
			providers.Reading{Class: "app_password_required", Rule: "google/app-password-required", Basis: "rule", Certainty: "definite", TwoFactor: "shown"}},
		{"google", "auth", "535 5.7.8 Username and Password not accepted.",
			providers.Reading{Class: "credential_rejected", Rule: "google/bad-credentials", Basis: "rule", Certainty: "ambiguous"}},
		{"google", "auth", "534-5.7.14 Please log in via your web browser",
			providers.Reading{Class: "browser_sign_in_required", Rule: "google/web-sign-in-required", Basis: "rule", Certainty: "definite", Actor: "customer"}},
		{"microsoft", "auth", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
			providers.Reading{Class: "auth_disabled", Rule: "microsoft/basic-auth-disabled", Basis: "rule", Certainty: "definite", Actor: "administrator"}},
		{"microsoft", "auth", "550 5.7.30 Basic authentication is not supported for Client Submission.",
			providers.Reading{Class: "auth_disabled", Rule: "microsoft/basic-auth-removed", Basis: "rule", Certainty: "definite", Retired: true}},
		{"microsoft", "auth", "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.",
			providers.Reading{Class: "mfa_required", Rule: "microsoft/criteria-not-met", Basis: "rule", Certainty: "ambiguous", Actor: "administrator"}},
		{"microsoft", "auth", "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
			providers.Reading{Class: "auth_disabled", Rule: "microsoft/security-defaults", Basis: "rule", Certainty: "definite", Actor: "administrator"}},
		{"microsoft", "oauth_token", entra("50076"),
			providers.Reading{Class: "mfa_required", Rule: "microsoft/entra-mfa", Basis: "rule", Certainty: "definite", TwoFactor: "shown", Actor: "customer"}},
		{"microsoft", "oauth_token", entra("50079"),
			providers.Reading{Class: "mfa_required", Rule: "microsoft/entra-mfa-enrol", Basis: "rule", Certainty: "definite", TwoFactor: "absent", Actor: "customer"}},
		{"microsoft", "oauth_token", entra("7000222"),
			providers.Reading{Class: "client_refused", Rule: "microsoft/entra-our-client", Basis: "rule", Certainty: "ambiguous", Actor: "us"}},
		{"yahoo", "auth", "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
			providers.Reading{Class: "credential_rejected", Rule: "yahoo/auth005", Basis: "rule", Certainty: "ambiguous"}},
		{"google", "mail", "550 5.7.30 DKIM did not pass",
			providers.Reading{Class: "client_refused", Rule: "common/mail-domain-refused", Basis: "rule", Certainty: "ambiguous", Actor: "us"}},
		{"other", "auth", "535 5.7.8",
			providers.Reading{Class: "credential_rejected", Rule: "common/credentials-invalid", Basis: "default", Certainty: "ambiguous"}},
		{"other", "auth", "454 4.7.1 This mailbox is switched off",
			providers.Reading{Class: "account_blocked", Rule: "common/said-account-blocked", Basis: "grammar", Certainty: "ambiguous", MayPass: true}},
		{"other", "auth", "454 4.7.1",
			providers.Reading{Class: "temporary", Rule: "common/auth-temporary", Basis: "default", Certainty: "ambiguous"}},
		{"other", "auth", "235 auth failure", providers.Reading{Class: "unknown", Certainty: "ambiguous"}},
	}
	for _, test := range tests {
		p, ok := catalog.ByName(test.provider)
		if !ok {
			t.Fatalf("no provider %s", test.provider)
		}
		got := p.Read(providers.Conversation{Reply: providers.ParseReply(test.stage, test.wire)}, false)
		if got != test.want {
			t.Errorf("%s %q:\ngot  %+v\nwant %+v", test.provider, test.wire, got, test.want)
		}
	}
}

// What is ours, what passes and what nobody knows is never held against a customer, whichever rule says so.
func TestOursAccusesNobody(t *testing.T) {
	for _, r := range catalog.Rules() {
		reading := r.Reading()
		ours := r.Actor == providers.ActorUs || reading.Class == providers.Unknown || reading.Passing() || reading.Class == providers.ClientRefused
		if ours && reading.Accuses() {
			t.Errorf("%s (%s, actor %q) accuses the customer", r.ID, r.Class, r.Actor)
		}
		if reading.Basis == providers.BasisGrammar && reading.Certainty != providers.Ambiguous {
			t.Errorf("%s infers, and is %s", r.ID, reading.Certainty)
		}
	}
}

// Words such as "password", "account" and "disabled" stand in refusals that have nothing to do with the account.
func TestWordsAloneAccuseNobody(t *testing.T) {
	data, err := os.ReadFile("../testdata/ours.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		stage, wire, ok := strings.Cut(strings.TrimSpace(line), " | ")
		if !ok {
			continue
		}
		n++
		reply := providers.ParseReply(providers.Stage(stage), strings.ReplaceAll(wire, `\n`, "\n"))
		for _, p := range catalog.All() {
			if got := p.Rules.Read(reply); got.Class.Customer() && got.Class != providers.Misconfigured {
				t.Errorf("%s: %s by %s: %q", p.Name, got.Class, got.Rule, wire)
			}
		}
	}
	if n < 100 {
		t.Errorf("%d replies, want them all", n)
	}
}

// Nothing but a success is read as one.
func TestAcceptedIsCertain(t *testing.T) {
	for _, p := range catalog.All() {
		for _, r := range p.Rules.All() {
			if r.Class == providers.Accepted && r.Certainty != providers.Definite {
				t.Errorf("%s: %s is accepted and not definite", p.Name, r.ID)
			}
			if r.Retired && r.Class != providers.AuthDisabled {
				t.Errorf("%s: %s has retired something that is not a way of signing in", p.Name, r.ID)
			}
			if r.Class == providers.ClientRefused && r.Actor != providers.ActorUs {
				t.Errorf("%s: %s blames our side and names %q as the one to act", p.Name, r.ID, r.Actor)
			}
		}
		for _, wire := range []string{"", "0", "200", "250 ok", "251 ok", "220 ready", "354 go", "334 ", "299 ok", "535 235 ok", "2350 ok"} {
			if got := p.Rules.Read(providers.ParseReply(providers.StageAuth, wire)); got.Class == providers.Accepted {
				t.Errorf("%s: %q at AUTH is accepted by %s", p.Name, wire, got.Rule)
			}
		}
	}
}
