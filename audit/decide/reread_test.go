package decide

import (
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/google"
)

const blockRule = `- {id: google/clinic-lock, stage: [auth], code: ["535"], text: [username and password not accepted], class: account_blocked, source: us, seen: 2026-11}
- {id: google/any-534, stage: [auth], code: ["534"], class: app_password_required, certainty: definite, source: us, seen: 2026-11}
- {id: google/grant, stage: [oauth_token], oauth_error: [invalid_grant], class: account_blocked, source: us, seen: 2026-11}
`

func TestReread(t *testing.T) {
	now := google.Provider.Rules
	own, err := providers.ParseOwnRules("google", "google.yaml", []byte(blockRule))
	if err != nil {
		t.Fatal(err)
	}
	then := now.Amended(own, nil)
	gmail, _ := google.Provider.Brand("gmail")
	bad := providers.ParseReply(providers.StageAuth, "535-5.7.8 Username and Password not accepted. Learn more at\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials x1-2.3 - gsmtp").Evidence()
	for name, tt := range map[string]struct {
		past Past
		want Rereading
	}{
		"another verdict": {Past{Verdict: audit.Invalid, Certainty: "ambiguous", Rule: "google/bad-credentials", Reply: bad},
			Rereading{Alters: AltersVerdict, Verdict: audit.AccountBlocked, Certainty: "ambiguous", Rule: "google/clinic-lock"}},
		"the rule alone": {Past{Verdict: audit.AppPasswordRequired, Certainty: "definite", Rule: "google/app-password-required", Reply: "534 5.7.9 Application-specific password required."},
			Rereading{Alters: AltersRule, Verdict: audit.AppPasswordRequired, Certainty: "definite", Rule: "google/any-534"}},
		"a token endpoint's": {Past{Verdict: audit.Revoked, Certainty: "definite", Rule: ruleOf(t, "400 invalid_grant Token has been expired or revoked."), Reply: "400 invalid_grant Token has been expired or revoked."},
			Rereading{Alters: AltersVerdict, Verdict: audit.AccountBlocked, Certainty: "ambiguous", Rule: "google/grant"}},
		"read as before":         {Past{Verdict: audit.AccountBlocked, Certainty: "definite", Rule: "google/account-disabled", Reply: "535 5.7.8 account has been disabled"}, Rereading{}},
		"no reply was given":     {Past{Verdict: audit.Unverified, Rule: "fault/timeout"}, Rereading{}},
		"a guard decided":        {Past{Verdict: audit.Unverified, Certainty: "ambiguous", Rule: "google/bad-credentials", Reply: bad}, Rereading{}},
		"accepted":               {Past{Verdict: audit.Compliant, Certainty: "definite", Rule: "common/auth-accepted", Reply: "235 2.7.0 Accepted"}, Rereading{}},
		"its evidence is cut":    {Past{Verdict: audit.SignInBlocked, Certainty: "definite", Rule: "google/web-sign-in-required", Reply: "534 5.7.9"}, Rereading{NotEnough: NotAsReadThen}},
		"its rule is no more":    {Past{Verdict: audit.Invalid, Certainty: "ambiguous", Rule: "google/gone", Reply: bad}, Rereading{NotEnough: NotAsReadThen}},
		"the rule is of all now": {Past{Verdict: audit.AccountBlocked, Certainty: "ambiguous", Rule: "google/clinic-lock", Reply: bad}, Rereading{}},
	} {
		tt.past.Brand = gmail
		if got := Reread(tt.past, then, now, then); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	accepting, err := providers.ParseOwnRules("google", "google.yaml", []byte(`- {id: google/ok, stage: [auth], code: ["535"], text: [username and password not accepted], class: accepted, source: us, seen: 2026}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := Reread(Past{Verdict: audit.Invalid, Certainty: "ambiguous", Rule: "google/bad-credentials", Reply: bad}, now.Amended(accepting, nil), now); got.NotEnough != KindNotKept {
		t.Errorf("what would be accepted: %+v", got)
	}
}

func ruleOf(t *testing.T, evidence string) string {
	t.Helper()
	return google.Provider.Rules.Read(providers.ParseEvidence(providers.StageOAuthToken, evidence)).Rule
}
