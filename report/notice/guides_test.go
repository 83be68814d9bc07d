package notice_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

func files(pairs ...string) fstest.MapFS {
	set := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		set[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return set
}

func TestTheOperatorsGuidesGoFirst(t *testing.T) {
	over := files(
		"google/en.md", "## verdict: revoked\n\nCall Ann at the front desk of {{company}}.\n\n{{steps: own}}\n\n## steps: own\n\n1. One.\n",
		"letter/en.md", "---\nsettings: Setup > Email\n---\n\n## text: sign-support\n\nYours, {{support}}\n")
	g, err := notice.LoadGuides(catalog.All(), over)
	if err != nil {
		t.Fatal(err)
	}
	s := settings(t)
	s.Guides = g
	m := compose(t, newLetter("google", item("gmail", audit.Revoked)), s)
	for _, want := range []string{"Call Ann at the front desk of Google.", "1. One.", "Setup > Email", "Yours, ClinicSource Support"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in the mail", want)
		}
	}
	if strings.Contains(m.Text, "apppasswords") {
		t.Error("the built-in section is still there")
	}
	m = compose(t, newLetter("google", item("gmail", audit.Invalid)), s)
	if !strings.Contains(m.Text, "apppasswords") {
		t.Error("a section that the operator left alone is gone")
	}
}

func TestAnotherLanguageIsAFolderAway(t *testing.T) {
	frame := `---
months: enero, febrero, marzo, abril, mayo, junio, julio, agosto, septiembre, octubre, noviembre, diciembre
and: y
day: {{days}} de {{month}}
day-year: {{days}} de {{month}} de {{year}}
on: el {{dates}}
often: varias veces del {{first}} al {{last}}
settings: Ajustes > Correo
---

## subject: revoked

Asunto {{mail}}

## saw: revoked

{{When}}, {{company}}: {{mailbox}}

## text: hello-name, hello, button, help, forward, real, again-within, sign-support, foot-tenant

Texto
`
	over := files("letter/pt.md", frame, "google/pt.md", "---\nmail: Gmail\ncompany: Google\n---\n\n## verdict: revoked\n\n1. Uno.\n")
	g, err := notice.LoadGuides(catalog.All(), over)
	if err != nil {
		t.Fatal(err)
	}
	s := settings(t)
	s.Guides = g
	l := newLetter("google", item("gmail", audit.Revoked))
	l.Locale = "pt-BR"
	m := compose(t, l, s)
	if !strings.Contains(m.Text, "El 22 y 23 de noviembre, Google: fr") || m.Subject != "Asunto Gmail" {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	if !strings.Contains(string(m.Raw), "Content-Language: pt\r\n") {
		t.Error("the language is not named")
	}
	l.Provider, l.Items[0].Brand = "yahoo", "yahoo"
	if m = compose(t, l, s); !strings.HasPrefix(m.Text, "Hello Maria") {
		t.Errorf("a guide that is not translated should give a mail in English: %.60s", m.Text)
	}
}

func TestWhatAnAuthorGotWrongIsSaidAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"placeholder": {"## verdict: revoked\n\n{{prodct}}\n", "{{prodct}}"},
		"steps":       {"## verdict: revoked\n\n{{steps: gone}}\n", `no steps called "gone"`},
		"brand":       {"## verdict: revoked; brand: hotmail\n\nText\n", `no brand "hotmail"`},
		"actor":       {"## verdict: revoked; actor: plumber\n\nText\n", `no actor "plumber"`},
		"verdict":     {"## verdict: compliant\n\nText\n", "no verdict that customers are told"},
		"kind":        {"## verdit: revoked\n\nText\n", `no "verdit" sections`},
		"condition":   {"## verdict: revoked; when: rain\n\nText\n", "no condition"},
		"twice":       {"## verdict: revoked\n\nA\n\n## verdict: revoked\n\nB\n", "two sections"},
		"html":        {"## verdict: revoked\n\n<b>Text</b>\n", "RawHTML"},
		"image":       {"## verdict: revoked\n\n![x](x.png)\n", "numbered steps"},
		"no picture":  {"## verdict: revoked\n\n1. A ![x](x.png)\n", "x.png"},
		"no alt":      {"## verdict: revoked\n\n1. A ![](x.png)\n", "alt text"},
		"far picture": {"## verdict: revoked\n\n1. A ![x](../x.png)\n", "own folder"},
		"link":        {"## verdict: revoked\n\n[x](http://x.example)\n", "https"},
		"script link": {"## verdict: revoked\n\n[x](javascript:alert(1))\n", "https"},
		"sub-list":    {"## verdict: revoked\n\n1. A\n   - B\n", "one paragraph"},
		"front":       {"---\ntitle\n---\n## verdict: revoked\n\nA\n", "key: value"},
		"endless":     {"---\ntitle: x\n", "no end"},
		"no heading":  {"Text\n", "before the first"},
	} {
		_, err := notice.LoadGuides(catalog.All(), files("google/en.md", c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "google") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func FuzzGuide(f *testing.F) {
	f.Add("## verdict: revoked\n\nText {{product}} **b** *i*\n\n1. a\n2. b\n")
	f.Add("---\ncompany: {{product}}\n---\n## verdict: revoked; if: oauth\n\n[x](https://x.example)\n")
	s := settings(f)
	f.Fuzz(func(t *testing.T, text string) {
		g, err := notice.LoadGuides(catalog.All(), files("google/en.md", text))
		if err != nil {
			return
		}
		set := s
		set.Guides = g
		m, err := notice.Compose(newLetter("google", item("gmail", audit.Revoked)), set)
		if err == nil && strings.Contains(m.HTML, "<script") {
			t.Errorf("script in %s", m.HTML)
		}
	})
}
