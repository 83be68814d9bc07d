package notice_test

import (
	"strings"
	"testing"

	"mailaudit/audit"
)

func TestAStretchOfTimeIsSaidInTheMailsLanguage(t *testing.T) {
	s := settings(t)
	for written, want := range map[string][2]string{
		"15 minutes":  {"within 15 minutes and", "de 15 minutos y"},
		"15m":         {"within 15 minutes and", "de 15 minutos y"},
		"1 minute":    {"within 1 minute and", "de 1 minuto y"},
		"2 hours":     {"within 2 hours and", "de 2 horas y"},
		"1h":          {"within 1 hour and", "de 1 hora y"},
		"half an age": {"within half an age and", "de half an age y"},
		"15 monkeys":  {"within 15 monkeys and", "de 15 monkeys y"},
	} {
		s.RecheckWithin = written
		for i, locale := range []string{"en", "es"} {
			l := newLetter("google", item("gmail", audit.Revoked))
			l.Locale = locale
			if text := strings.Join(strings.Fields(compose(t, l, s).Text), " "); !strings.Contains(text, want[i]) {
				t.Errorf("%q in %s: the mail does not say %q", written, locale, want[i])
			}
		}
	}
}
