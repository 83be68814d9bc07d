package notice_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
)

var (
	sectionHead = regexp.MustCompile(`(?m)^## (.*)$`)
	stepHead    = regexp.MustCompile(`(?m)^\d+\. `)
	pictureOf   = regexp.MustCompile(`\]\(pictures/([a-z-]+)\.(en|es)\.png\)`)
	placeheld   = regexp.MustCompile(`\{\{ *([A-Za-z]+)(: [a-z-]+)? *\}\}`)
	codes       = regexp.MustCompile(`\*\*[a-z0-9.]+\.[a-z]+[a-z0-9./-]*\*\*|\*\*\d+\*\*`)
)

// outline is what two languages of one text must share: of each section its steps, pictures, placeholders,
// addresses and numbers.
func outline(text string) map[string][]string {
	out := map[string][]string{}
	at := sectionHead.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		body := text[m[1]:end]
		said := stepHead.FindAllString(body, -1)
		for _, p := range pictureOf.FindAllStringSubmatch(body, -1) {
			said = append(said, "picture "+p[1])
		}
		for _, p := range placeheld.FindAllStringSubmatch(pictureOf.ReplaceAllString(withoutAlts(body), ""), -1) {
			said = append(said, strings.ToLower(p[1])+p[2])
		}
		said = append(said, codes.FindAllString(body, -1)...)
		slices.Sort(said)
		out[text[m[2]:m[3]]] = slices.Compact(said)
	}
	return out
}

var alts = regexp.MustCompile(`!\[[^\]]*`)

func withoutAlts(body string) string { return alts.ReplaceAllString(body, "!") }

// TestEveryTextIsInBothLanguages compares each guide, and the letter around them, section by section.
func TestEveryTextIsInBothLanguages(t *testing.T) {
	texts := map[string]fs.FS{"letter": os.DirFS("letter"), "correction": os.DirFS("correction")}
	for _, p := range catalog.All() {
		sub, err := fs.Sub(p.Files, "guide")
		if err != nil {
			t.Fatal(err)
		}
		texts[p.Name] = sub
	}
	for name, files := range texts {
		var both [2]map[string][]string
		for i, file := range []string{"en.md", "es.md"} {
			b, err := fs.ReadFile(files, file)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			both[i] = outline(string(b))
		}
		for section, en := range both[0] {
			es, there := both[1][section]
			if !there {
				t.Errorf("%s: section %q is not translated", name, section)
			} else if !slices.Equal(en, es) {
				t.Errorf("%s: section %q differs:\nen %q\nes %q", name, section, en, es)
			}
		}
		for section := range both[1] {
			if _, there := both[0][section]; !there {
				t.Errorf("%s: section %q is in Spanish alone", name, section)
			}
		}
	}
}

func TestLocalesLeadToTheirLanguage(t *testing.T) {
	s := settings(t)
	for locale, want := range map[string]string{
		"es": "Hola, Maria:", "es-MX": "Hola, Maria:", "es-419": "Hola, Maria:", "es-US": "Hola, Maria:", "ES": "Hola, Maria:",
		"es_PR": "Hola, Maria:", "": "Hello Maria,", "en-US": "Hello Maria,", "fr": "Hello Maria,", "no locale": "Hello Maria,",
	} {
		l := newLetter("google", item("gmail", audit.Revoked))
		l.Locale = locale
		m := compose(t, l, s)
		if !strings.HasPrefix(m.Text, want) {
			t.Errorf("%q: %.20s, want %s", locale, m.Text, want)
		}
	}
	l := newLetter("google", item("gmail", audit.Revoked))
	l.Locale = "es-MX"
	if m := compose(t, l, s); !strings.Contains(m.Text, "El 22 y 23 de noviembre, Google") {
		t.Errorf("the dates are not in Spanish:\n%s", m.Text)
	}
}
