package notice_test

import (
	"errors"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/report/notice"
)

func TestWhatEndsIsToldAhead(t *testing.T) {
	s := settings(t)
	warn := newLetter("microsoft", item("m365", audit.SingleFactor))
	warn.Kind = audit.KindAhead
	for locale, words := range map[string][2]string{
		"en": {"At the end of December 2026 Microsoft turns passwords", "soon needs a new sign-in"},
		"es": {"A fines de diciembre de 2026 ya no se podrá enviar con contraseña", "pronto necesita otro acceso"},
	} {
		for _, offered := range [][]string{nil, {"microsoft"}} {
			warn.Locale, s.OAuthOffered = locale, offered
			m := compose(t, warn, s)
			text := strings.Join(strings.Fields(m.Text), " ")
			if !strings.Contains(text, words[0]) || !strings.Contains(m.Subject, words[1]) {
				t.Errorf("%s: %s\n%s", locale, m.Subject, m.Text)
			}
			if offered == nil && connects.MatchString(text) {
				t.Errorf("%s: offers a connection that the product does not have", locale)
			}
			for _, wrong := range []string{"15 minutes", "refused", "rechazó", "cannot send", "Good news"} {
				if strings.Contains(text, wrong) {
					t.Errorf("%s: the mailbox works, and the mail says %q", locale, wrong)
				}
			}
			second := warn
			second.Thread = m.ID
			second.Number++
			if again := compose(t, second, s); !strings.HasPrefix(again.Subject, "Re: ") ||
				!strings.Contains(again.Text, map[string]string{"en": "This is a reminder.", "es": "Este es un recordatorio."}[locale]) {
				t.Errorf("%s: the second warning does not say that it is one: %s", locale, again.Subject)
			}
		}
	}
}

func TestNobodyIsWarnedOfWhatDoesNotConcernHim(t *testing.T) {
	s := settings(t)
	for name, l := range map[string]notice.Letter{
		"connected":   newLetter("microsoft", notice.Item{Mailbox: "a@b.example", Brand: "m365", Verdict: audit.Compliant, Grant: true}),
		"refused":     newLetter("microsoft", item("m365", audit.Revoked)),
		"personal":    newLetter("microsoft", item("outlook", audit.Compliant)),
		"at Google":   newLetter("google", item("gmail", audit.Compliant)),
		"at the rest": newLetter("other", item("other", audit.Unproven)),
	} {
		l.Kind = audit.KindAhead
		if _, err := notice.Compose(l, s); !errors.Is(err, notice.ErrNoMail) {
			t.Errorf("%s: error %v, want ErrNoMail", name, err)
		}
	}
	if _, err := notice.Compose(newLetter("google", item("gmail", audit.Verdict(audit.KindAhead))), s); !errors.Is(err, notice.ErrNoMail) {
		t.Errorf("a verdict that there is not: %v", err)
	}
}
