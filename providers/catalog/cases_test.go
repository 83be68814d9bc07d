package catalog_test

import (
	"strings"
	"testing"

	"mailaudit/providers/catalog"
)

func TestReadCases(t *testing.T) {
	cases, err := catalog.ReadCases(strings.NewReader(`
{"id":"a","provider":"icloud","stage":"auth","reply":"535 5.7.8 Error: authentication failed:"}

{"id":"b","provider":"generic","stage":"auth","reply":"550 no such thing","class":"throttled","alt":["client_refused"]}
{"id":"c","provider":"google","stage":"auth","reply":"334 x","xoauth2_json":"{\"status\":\"400\"}","class":"credential_rejected"}
{"id":"d","provider":"google","stage":"auth","reply":"334 x","xoauth2_json":{"status":"503"},"class":"throttled","alt":["temporary"]}
{"id":"e","provider":"aol","stage":"auth","reply":"535 5.7.0 (#AUTH005) Too many bad auth attempts."}
{"id":"f","provider":"att","stage":"greeting","reply":"421-failure in DNS look-up."}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cases {
		o := c.Run()
		differs := ""
		if o.Differs() {
			differs = " differs"
		}
		got = append(got, o.ID+" "+string(o.Class)+" "+o.Rule+" "+string(o.Certainty)+differs)
	}
	want := []string{
		"a credential_rejected apple/authentication-failed ambiguous",
		"b unknown  ambiguous differs",
		"c credential_rejected google/bad-challenge ambiguous",
		"d temporary common/challenge-server-error ambiguous",
		"e credential_rejected yahoo/auth005 ambiguous",
		"f client_refused yahoo/address-blocked ambiguous",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReadCasesNamesTheBadLine(t *testing.T) {
	good := `{"id":"a","provider":"google","stage":"auth","reply":"535 x"}` + "\n"
	for bad, want := range map[string]string{
		`{"id":"a"`: "line 2: read JSON",
		`{"id":"a","provider":"nobody","stage":"auth","reply":"x"}`:                 "line 2: a: provider \"nobody\" is not known",
		`{"id":"a","provider":"google","stage":"later","reply":"x"}`:                "line 2: a: stage \"later\" is not known",
		`{"id":"a","provider":"google","stage":"auth","reply":"x","class":"wrong"}`: "line 2: a: class \"wrong\" is not known",
		`{"id":"a","provider":"google","stage":"auth"}`:                             "line 2: a: no reply",
		`{"provider":"google","stage":"auth","reply":"x"}`:                          "line 2: no id",
		`["a"]`:                    "line 2: read JSON",
		strings.Repeat("x", 2<<20): "line 2: ",
	} {
		cases, err := catalog.ReadCases(strings.NewReader(good + bad))
		if err == nil || !strings.Contains(err.Error(), want) || len(cases) != 1 {
			t.Errorf("%.60q gives %d cases and %v, want the good line's and %q", bad, len(cases), err, want)
		}
	}
	if _, err := catalog.ReadCases(strings.NewReader(strings.Repeat("x\n", 5000))); err == nil || len(err.Error()) > 2000 {
		t.Errorf("a file of bad lines gives an error of %d bytes", len(err.Error()))
	}
}

// FuzzReadCases: whatever stands in a file of replies, its cases can be read by the rules, and what is wrong is named by line.
func FuzzReadCases(f *testing.F) {
	f.Add(`{"id":"a","provider":"icloud","stage":"auth","reply":"535 5.7.8 Error: authentication failed:","class":"invalid"}`)
	f.Add(`{"id":"c","provider":"google","stage":"auth","reply":"334 x","xoauth2_json":"{\"status\":\"400\"}"}` + "\n\ufeff\n[]\n")
	f.Add(`{"id":"d","provider":"microsoft","stage":"oauth_token","reply":"400\n{","alt":["throttled"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := catalog.ReadCases(strings.NewReader(text))
		if err == nil && len(cases) > strings.Count(text, "\n")+1 {
			t.Errorf("%d cases out of %q", len(cases), text)
		}
		if err != nil && !strings.Contains(err.Error(), "line ") {
			t.Errorf("no line is named: %v", err)
		}
		for _, c := range cases {
			if o := c.Run(); !o.Class.Valid() || o.ID == "" {
				t.Errorf("%+v out of %q", o, text)
			}
		}
	})
}
