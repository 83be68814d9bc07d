package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

const ownRule = `- id: google/clinic-lock
  stage: [auth]
  code: ["535"]
  text: [username and password not accepted]
  class: account_blocked
  source: our own runbook
  seen: 2026-11
`

func folder(files ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		dir[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return dir
}

// An operator's rule is tried before every built-in one of its provider, and of no other.
func TestOwnRulesAreTriedFirst(t *testing.T) {
	cat, err := catalog.Open(folder("google.yaml", ownRule, "README.md", "no rule", ".hidden.yaml", "no: rule", "other.yaml", "# nothing yet\n",
		"common.yaml", strings.NewReplacer("google/", "common/", "username and password not accepted", "the clinic is closed").Replace(ownRule)))
	if err != nil {
		t.Fatal(err)
	}
	bad := "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials x1-2.3 - gsmtp"
	for _, test := range []struct{ provider, reply, rule string }{
		{"google", bad, "google/clinic-lock"},
		{"workspace", bad, "google/clinic-lock"},
		{"google", "535 5.7.8 The clinic is closed", "common/clinic-lock"},
		{"apple", "535 5.7.8 The clinic is closed", "common/clinic-lock"},
	} {
		cases, err := catalog.ReadCases(strings.NewReader(`{"id":"a","provider":"` + test.provider + `","stage":"auth","reply":` + quoted(test.reply) + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if o := cat.Read(cases[0]); o.Rule != test.rule || o.Class != providers.AccountBlocked {
			t.Errorf("%s %q is read by %s as %s, want %s", test.provider, test.reply, o.Rule, o.Class, test.rule)
		}
		if o := cases[0].Run(); o.Class == providers.AccountBlocked {
			t.Errorf("the built-in rules read %q by %s", test.reply, o.Rule)
		}
	}
	if got := cat.Files(); len(got) != 3 || got[1].Name != "google.yaml" {
		t.Errorf("read %v", got)
	}
	if got := cat.Rules()[0]; got.ID != "google/clinic-lock" || got.File != "google.yaml" {
		t.Errorf("first is %s of %q", got.ID, got.File)
	}
	if got, want := len(cat.Rules()), len(catalog.Rules())+2; got != want {
		t.Errorf("%d rules in all, want %d", got, want)
	}
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }

// A rule with the id of a built-in one takes its place: there are never two of one name in evidence.
func TestAnOwnRuleTakesTheBuiltInOnesPlace(t *testing.T) {
	cat, err := catalog.Open(folder("google.yaml", strings.Replace(ownRule, "clinic-lock", "bad-credentials", 1)))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, r := range cat.Rules() {
		if _, twice := seen[r.ID]; twice {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = r.File
	}
	if seen["google/bad-credentials"] != "google.yaml" || len(seen) != len(catalog.Rules()) {
		t.Errorf("%d rules, bad-credentials of %q", len(seen), seen["google/bad-credentials"])
	}
}

func TestOwnChanges(t *testing.T) {
	const later = "- {id: microsoft-basic-auth, day: 2027-03-31}\n"
	const added = "- {id: yahoo-passwords, title: Yahoo ends passwords, provider: yahoo, brands: [aol], auth: password, day: 2026-12-01, source: Yahoo, seen: 2026-10}\n"
	cat, err := catalog.Open(folder("changes.yaml", later+added))
	if err != nil {
		t.Fatal(err)
	}
	got := cat.Changes()
	if len(got) != len(providers.Changes())+1 || got[0].ID != "yahoo-passwords" {
		t.Fatalf("%+v", got)
	}
	i := slices.IndexFunc(got, func(c providers.Change) bool { return c.ID == "microsoft-basic-auth" })
	if c, was := got[i], providers.Changes()[0]; c.Day.Format("2006-01-02") != "2027-03-31" || c.Title != was.Title || !slices.Equal(c.Brands, was.Brands) {
		t.Errorf("%+v", c)
	}
	if was := providers.Changes()[0]; was.Day.Year() != 2026 {
		t.Errorf("the built-in list is changed: %+v", was)
	}
	for what, file := range map[string]string{
		"is there twice":                 added + added,
		`has no brand "gmail"`:           strings.Replace(added, "[aol]", "[gmail]", 1),
		`provider "yaho" is not known`:   strings.Replace(added, "provider: yahoo", "provider: yaho", 1),
		`day "soon" is not a date`:       strings.Replace(added, "2026-12-01", "soon", 1),
		`day "" is not a date`:           strings.Replace(added, "day: 2026-12-01, ", "", 1),
		`auth "" is not password`:        strings.Replace(added, "auth: password, ", "", 1),
		"has no title":                   strings.Replace(added, "title: Yahoo ends passwords, ", "", 1),
		`line 1: unknown field "colour"`: strings.Replace(added, "auth:", "colour: red, auth:", 1),
	} {
		if _, err := catalog.Open(folder("changes.yaml", file)); err == nil || !strings.Contains(err.Error(), "changes.yaml: ") || !strings.Contains(err.Error(), what) {
			t.Errorf("%s\ngives %v, want %q", file, err, what)
		}
	}
}

// What is wrong in the folder is named by file, and by rule or line, in one line.
func TestOwnRulesAreChecked(t *testing.T) {
	for what, dir := range map[string]fstest.MapFS{
		"gogle.yaml is the file of no provider; known are google.yaml":              folder("gogle.yaml", ownRule),
		"google.yml is the file of no provider":                                     folder("google.yml", ownRule),
		"gmail.yaml is the file of no provider":                                     folder("gmail.yaml", ownRule),
		"yahoo.yaml: read rules of yahoo: rule 1 (google/clinic-lock): id is not":   folder("yahoo.yaml", ownRule),
		`google.yaml: read rules of google: rule 1 (google/clinic-lock): class "x"`: folder("google.yaml", strings.Replace(ownRule, "account_blocked", "x", 1)),
		`google.yaml: read rules of google: line 3: unknown field "cod"`:            folder("google.yaml", strings.Replace(ownRule, "code", "cod", 1)),
		"google.yaml: read rules of google: line ":                                  folder("google.yaml", "- id: [\n"),
	} {
		_, err := catalog.Open(dir)
		if err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v gives %v, want %q in one line", dir, err, what)
		}
	}
}
