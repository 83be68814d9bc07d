package providers_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/providertest"
)

// FuzzReply feeds foreign text to what reads it: it must hold for any bytes that nothing panics, that what is
// stored is short, valid and without control characters, and that a reading is complete.
func FuzzReply(f *testing.F) {
	for _, file := range []string{"testdata/common.txt", "google/testdata/replies.txt", "microsoft/testdata/replies.txt", "other/testdata/replies.txt"} {
		for _, c := range providertest.ReadCases(f, file) {
			f.Add(string(c.Stage), c.Wire)
		}
	}
	f.Add("auth", "535-\x00\x1b[2J\xff\xfe"+strings.Repeat("A", 5000))
	f.Add("oauth_token", "400\n{\"error\":[{\"error_codes\":[1e99]}],\"error_codes\":[1e99,\"x\"]")
	f.Add("auth", "334 "+strings.Repeat("e30=", 3000))
	f.Add("auth", "530 x Error: 535 5.7.8 Error: 535 5.7.8 y")
	all := catalog.All()
	f.Fuzz(func(t *testing.T, stage, wire string) {
		r := providers.ParseReply(providers.Stage(stage), wire)
		for _, s := range []string{r.Text, r.OAuthError, r.OAuthSuberror, r.SASLError, r.Evidence(), r.Wording()} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("not clean: %q", s)
			}
		}
		if len(r.Evidence()) > providers.MaxEvidence {
			t.Errorf("evidence of %d bytes", len(r.Evidence()))
		}
		for _, p := range all {
			got := p.Rules.Read(r)
			if !got.Class.Valid() || got.Certainty == "" || (got.Rule == "") != (got.Class == providers.Unknown) {
				t.Errorf("%s: %+v", p.Name, got)
			}
		}
	})
}
