package notice_test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/audit"
)

var sheet = flag.String("sheet", "", "write all mails of the matrix and a page that shows them into this folder")

// TestContactSheet writes each mail of the matrix once, as .eml and .html, and a page with all of them side by
// side. Without -sheet it counts them.
func TestContactSheet(t *testing.T) {
	seen := map[string]bool{}
	var page strings.Builder
	page.WriteString("<!DOCTYPE html><meta charset=utf-8><title>All mails</title><style>body{font:14px sans-serif}" +
		"figure{display:inline-block;margin:8px;vertical-align:top;width:375px}iframe{width:375px;height:900px;border:1px solid #999}</style>\n")
	put := func(name, text, page string, raw []byte) {
		if *sheet == "" {
			return
		}
		for ending, data := range map[string][]byte{".eml": raw, ".html": []byte(page)} {
			if err := os.WriteFile(filepath.Join(*sheet, name+ending), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *sheet != "" {
		if err := os.MkdirAll(*sheet, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range matrix() {
		if c.err != nil || seen[c.mail.Subject+c.mail.Text] {
			continue
		}
		seen[c.mail.Subject+c.mail.Text] = true
		name := fmt.Sprintf("%s-%s-%s-%s-%s", c.locale, c.provider.Name, c.brand.Name, c.verdict, c.actor)
		if c.oauth {
			name += "-oauth"
		}
		if c.grant {
			name += "-grant"
		}
		put(name, c.mail.Text, c.mail.HTML, c.mail.Raw)
		fmt.Fprintf(&page, "<figure><figcaption>%s</figcaption><iframe loading=lazy src=\"%s.html\"></iframe></figure>\n", html.EscapeString(c.String()), name)
	}
	s := settings(t)
	for _, locale := range []string{"en", "es"} {
		for _, kind := range []audit.NoticeKind{audit.KindReminder, audit.KindRecovered, audit.KindAhead} {
			l := newLetter("microsoft", item("m365", audit.SingleFactor))
			l.Locale, l.Kind, l.Thread = locale, kind, "<notice-1.a@clinicsource.example>"
			m := compose(t, l, s)
			name := locale + "-" + string(kind)
			put(name, m.Text, m.HTML, m.Raw)
			fmt.Fprintf(&page, "<figure><figcaption>%s</figcaption><iframe loading=lazy src=\"%s.html\"></iframe></figure>\n", name, name)
		}
	}
	if *sheet != "" {
		if err := os.WriteFile(filepath.Join(*sheet, "index.html"), []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d different mails", len(seen)+6)
	if len(seen) < 300 {
		t.Errorf("%d mails only", len(seen))
	}
}
