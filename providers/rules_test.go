package providers_test

import (
	"strings"
	"testing"

	"mailaudit/providers"
)

const goodRule = `- {id: x/one, stage: [auth], code: ["535"], text: [frob*], class: credential_rejected, source: test, seen: 2026-01}` + "\n"

func TestParseRulesIsStrict(t *testing.T) {
	if _, err := providers.ParseRules("x", []byte(goodRule)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"field":                {"class:", "colour: red, class:"},
		"is used twice":        {goodRule, goodRule + goodRule},
		"is not of the form":   {"x/one", "y/one"},
		"lower-case-words":     {"x/one", "x/One"},
		"no stage":             {"stage: [auth], ", ""},
		`stage "later"`:        {"[auth]", "[later]"},
		"no condition":         {`code: ["535"], text: [frob*], `, ""},
		`class "frob"`:         {"credential_rejected", "frob"},
		`certainty "maybe"`:    {"source:", "certainty: maybe, source:"},
		`actor "them"`:         {"source:", "actor: them, source:"},
		`two_factor "perhaps"`: {"source:", "two_factor: perhaps, source:"},
		"no source":            {"source: test, ", ""},
		`seen "lately"`:        {"2026-01", "lately"},
		`code "5yy"`:           {`"535"`, `"5yy"`},
		`code "999"`:           {`"535"`, `"999"`},
		`phrase "Frob"`:        {"frob*", "Frob"},
		`phrase "a  b"`:        {"frob*", `"a  b"`},
		`phrase "a*b"`:         {"frob*", `a*b`},
		`the kind of word "x"`: {"frob*", "<x>"},
		"cannot be definite":   {"frob*], class: credential_rejected", "<password>], class: credential_rejected, certainty: definite"},
		"sequence is expected": {`["535"]`, `{a: b}`},
	} {
		file := strings.Replace(goodRule, change[0], change[1], 1)
		if _, err := providers.ParseRules("x", []byte(file)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s\ngives %v, want %q", file, err, what)
		}
	}
}

func TestPhrases(t *testing.T) {
	tests := []struct {
		phrase, text string
		want         bool
	}{
		{"locked", "account locked", true},
		{"locked", "Account LOCKED.", true},
		{"locked", "account unlocked", false},
		{"lock", "account locked", false},
		{"lock*", "account locked", true},
		{"auth* fail*", "authentication failure", true},
		{"auth* fail*", "auth failed", true},
		{"auth* fail*", "authentication has failed", false},
		{"auth*", "reauthenticate", false},
		{"account ... locked", "account locked", true},
		{"account ... locked", "account a b c d locked", true},
		{"account ... locked", "account a b c d e locked", false},
		{"account ... locked", "account is unlocked", false},
		{"account ... locked", "account x, y. account z locked", true},
		{"locked", "blame locked.example.org for it", false},
		{"locked", "mail to locked@example.org", false},
		{"locked", "see https://example.org/locked", false},
		{"locked", "no way [SERVER1.locked.prod.example.com 2026-01-01]", false},
		{"p=badcredentials", "see https://support.google.com/mail/?p=BadCredentials now", true},
		{"#auth005", "(#AUTH005) Too many", true},
		{"密码错误", "登录密码错误。", true},
		{"désactivé", "Compte désactivé", true},
		{"<account> ... <disabled>", "the mailbox has been suspended", true},
		{"<account> ... <disabled>", "Ihr Konto wurde gesperrt", true},
		{"<account> ... <disabled>", "该账号已被停用", true},
		{"<account> ... <disabled>", "a mailbox. Logins from there are disabled", false},
		{"<account> ... <disabled>", "the mailbox takes TLS 1.0 no more: disabled", false},
		{"<account> ... <disabled>", "the mailbox at 1.0 is disabled", true},
		{"<account> ... <disabled>", "disabled mailbox", false},
		{"<machine> ... <refused>", "203.0.113.9 is not allowed", true},
		{"<machine> ... <refused>", "(#5.7.1) not allowed", false},
		{"organization's", "your organization\u2019s policy", true},
	}
	for _, test := range tests {
		rules, err := providers.ParseRules("x", []byte(`- {id: x/one, stage: [auth], text: ["`+test.phrase+`"], class: throttled, source: test, seen: 2026}`))
		if err != nil {
			t.Fatal(err)
		}
		got := rules.Read(providers.Reply{Stage: providers.StageAuth, Text: test.text}).Rule == "x/one"
		if got != test.want {
			t.Errorf("%q in %q: %v", test.phrase, test.text, got)
		}
	}
}

// The shared rules come after a provider's own, and within a file the first that matches decides.
func TestOrder(t *testing.T) {
	rules, err := providers.ParseRules("x", []byte(`
- {id: x/first, stage: [auth], text: [frob], class: throttled, source: test, seen: 2026}
- {id: x/second, stage: [auth], code: ["535"], class: temporary, source: test, seen: 2026}
`))
	if err != nil {
		t.Fatal(err)
	}
	for wire, want := range map[string]string{"535 frob": "x/first", "535 incorrect authentication data": "x/second", "504 no": "common/mechanism-code"} {
		if got := rules.Read(providers.ParseReply(providers.StageAuth, wire)); got.Rule != want {
			t.Errorf("%q is read by %s, want %s", wire, got.Rule, want)
		}
	}
	if len(rules.Own()) != 2 || rules.All()[0].ID != "x/first" || len(rules.All()) <= 2 {
		t.Errorf("own %d, all %d", len(rules.Own()), len(rules.All()))
	}
	if got := (providers.Rules{}).Read(providers.Reply{Stage: providers.StageAuth, Code: 235}); got.Class != providers.Unknown || got.Rule != "" {
		t.Errorf("without rules: %+v", got)
	}
}
