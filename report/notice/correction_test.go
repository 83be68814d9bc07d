package notice_test

import (
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// A correction names what was written and when, at every provider and in every language, and asks for nothing.
func TestCorrection(t *testing.T) {
	for locale, want := range map[string][]string{
		"en":    {"On November 22, we wrote to you", "That message was wrong", "disregard"},
		"es-MX": {"El 22 de noviembre le escribimos", "contenía un error", "No le haga caso"},
		"xx":    {"On November 22, we wrote to you"},
	} {
		for _, p := range catalog.All() {
			l := newLetter(p.Name, notice.Item{Mailbox: "frontdesk@clinic.example", Verdict: audit.Revoked, Since: night(time.November, 22)})
			l.Kind, l.Locale, l.Thread = audit.KindCorrection, locale, "<notice-1.x@clinicsource.example>"
			m := compose(t, l, settings(t))
			text := strings.Join(strings.Fields(m.Text), " ")
			for _, w := range append(want, "fr•••••@clinic.example") {
				if !strings.Contains(text, w) {
					t.Errorf("%s, %s: the mail lacks %q:\n%s", p.Name, locale, w, m.Text)
				}
			}
			if strings.Contains(m.Text, "settings/mail") || strings.Contains(m.HTML, "settings/mail") {
				t.Errorf("%s, %s: a correction has a button:\n%s", p.Name, locale, m.Text)
			}
			if !strings.Contains(string(m.Raw), "In-Reply-To: <notice-1.x@clinicsource.example>") {
				t.Errorf("%s, %s: not in the thread", p.Name, locale)
			}
		}
	}
}
