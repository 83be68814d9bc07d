package providers_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/providertest"
)

// corpus is every reply that a provider's rules are tried with.
func corpus(f *testing.F) (all []providertest.Case) {
	files, err := filepath.Glob("*/testdata/replies.txt")
	if err != nil || len(files) < 7 {
		f.Fatalf("%q, %v", files, err)
	}
	for _, file := range append(files, "testdata/common.txt") {
		all = append(all, providertest.ReadCases(f, file)...)
	}
	return all
}

// FuzzReply feeds foreign text to what reads it: it must hold for any bytes that nothing panics, that what is
// stored is short, valid and without control characters, and that a reading is complete.
func FuzzReply(f *testing.F) {
	for _, c := range corpus(f) {
		f.Add(string(c.Stage), c.Wire)
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

// FuzzTokenAnswer reads what a token endpoint says: what is kept of it is clean and short, and never the token.
func FuzzTokenAnswer(f *testing.F) {
	const token = "ya29.fuzz-canary"
	for _, c := range corpus(f) {
		if c.Stage == providers.StageOAuthToken {
			f.Add(c.Wire, "", "")
		}
	}
	f.Add("200", `{"expires_in": 3599, `, `, "token_type": "Bearer"}`)
	f.Add("400", `{"error": {"errors": [{"reason": [1]}], "status": 7}, "error_codes": ["x", 1e99, -1], `, "")
	f.Add("HTTP/1.1 400 Bad Request", "error=invalid_grant&error_description=%zz&", "<script>")
	f.Fuzz(func(t *testing.T, status, before, after string) {
		r := providers.ParseReply(providers.StageOAuthToken, status+"\n"+before+`"access_token":"`+token+`"`+after)
		for _, s := range []string{r.Text, r.OAuthError, r.OAuthSuberror} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("not clean: %q", s)
			}
		}
		if strings.Contains(r.Text, token) && r.OAuthError == "" && r.Code/100 == 2 {
			t.Errorf("the token is kept: %q", r.Text)
		}
		if r.Stage != providers.StageOAuthToken || slices.Contains(r.OAuthCodes, -1) && !strings.Contains(before+after+status, "-") {
			t.Errorf("%+v", r)
		}
	})
}
