package catalog_test

import (
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// A draft can be loaded as it stands, changes nothing until its class is filled in, and then reads the reply it was made
// from, other customers' forms of it included.
func TestAProposalReadsWhatItWasMadeFrom(t *testing.T) {
	for _, test := range []struct{ provider, stage, reply, other string }{
		{"other", "auth", "535 5.7.8 Sorry, the moonphase of maria@clinic.example is wrong today (id a8f2-9).", "535 5.7.8 Sorry, the moonphase of joe@else.example is wrong today (id 77ab-1)."},
		{"google", "auth", "535-5.7.8 The flux of your sign-in is out of tune.\n535 5.7.8  https://support.google.com/mail/?p=FluxTuning x1-2.3 - gsmtp", ""},
		{"yahoo", "auth", "535 5.7.0 (#AUTH099) Frobnication needed: 17 widgets", "535 5.7.0 (#AUTH099) Frobnication needed: 3 widgets"},
		{"microsoft", "oauth_token", "400\n" + `{"error":"invalid_grant","error_description":"AADSTS999123: The frobnicated grant is out of tune. Trace ID: 12345678-8613-4979-ad46-63b2d4ac1501"}`, ""},
	} {
		reply := providers.ParseReply(providers.Stage(test.stage), test.reply)
		p, _ := catalog.ByName(test.provider)
		if got := p.Rules.Read(reply); got.Class != providers.Unknown {
			t.Errorf("%q is known by %s; the test is of what is not", test.reply, got.Rule)
		}
		draft, ok := catalog.BuiltIn().Propose(test.provider, "ab12cd34", reply.Evidence(), "run 2026-11-23", "2026-11-23")
		if !ok {
			t.Fatal(test)
		}
		text := draft.YAML()
		if strings.Contains(text, "maria") || strings.Contains(text, "12345678-8613") {
			t.Errorf("names what varies:\n%s", text)
		}
		read := func(text string, r providers.Reply) providers.Reading {
			f, err := catalog.FileOf("some.proposal", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			cat, err := catalog.BuiltIn().With(f)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			p, _ := cat.ByName(test.provider)
			return p.Rules.Read(r)
		}
		if got := read(text, reply); got.Class != providers.Unknown {
			t.Errorf("before its class is filled in it reads %+v", got)
		}
		filled := strings.Replace(text, "class: unknown", "class: account_blocked", 1)
		for _, r := range []string{test.reply, test.other} {
			if r == "" {
				continue
			}
			if got := read(filled, providers.ParseReply(providers.Stage(test.stage), r)); got.Rule != draft.Rule.ID || got.Class != providers.AccountBlocked {
				t.Errorf("%q is read by %q as %s\n%s", r, got.Rule, got.Class, filled)
			}
		}
		rows, err := catalog.ReadCases(strings.NewReader(draft.Row()))
		if err != nil || len(rows) != 1 || rows[0].Stage != draft.Rule.Stages[0] {
			t.Errorf("test row %s: %v", draft.Row(), err)
		}
	}
}

// The nearest rules are those whose words the reply shares.
func TestNearestRules(t *testing.T) {
	p, _ := catalog.ByName("google")
	near := p.Rules.Near(providers.ParseReply("auth", "535 5.7.8 Your user name and your password were never accepted by anybody"), 3)
	if len(near) != 3 || near[0].Class != providers.CredentialRejected {
		t.Errorf("%+v", near)
	}
}
