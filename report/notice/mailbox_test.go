package notice_test

import (
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// TestWhoIsToldTheMailboxInFull: in auto, who shares a domain with it in which strangers have no mailboxes.
func TestWhoIsToldTheMailboxInFull(t *testing.T) {
	for _, c := range []struct {
		name, show, contact, mailbox string
		full                         bool
	}{
		{"the clinic's own domain", "auto", "maria@sunrise.example", "frontdesk@sunrise.example", true},
		{"unset is auto", "", "maria@sunrise.example", "frontdesk@sunrise.example", true},
		{"spelled otherwise", "auto", "maria@Sunrise.Example", "frontdesk@sunrise.example", true},
		{"the contact has a mailbox elsewhere", "auto", "maria@other.example", "frontdesk@sunrise.example", false},
		{"both are at a public provider", "auto", "maria@gmail.com", "frontdesk@gmail.com", false},
		{"both are at an access provider that has no guide", "auto", "maria@comcast.net", "frontdesk@comcast.net", false},
		{"a domain that only ends alike", "auto", "maria@moonsunrise.example", "frontdesk@sunrise.example", false},
		{"always in full", "full", "maria@gmail.com", "frontdesk@gmail.com", true},
		{"never in full", "masked", "maria@sunrise.example", "frontdesk@sunrise.example", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settings(t)
			s.ShowMailbox, s.PublicDomain = c.show, catalog.Resolver(nil).OwnsDomain
			l := newLetter("google", item("gmail", audit.Revoked))
			l.ContactEmail, l.Items[0].Mailbox = c.contact, c.mailbox
			m := compose(t, l, s)
			if full := strings.Contains(m.Text, "Mailbox: "+c.mailbox+"\n"); full != c.full {
				t.Errorf("in full: %v, want %v\n%.200s", full, c.full, m.Text)
			}
			if hidden := !strings.Contains(string(m.Raw)+m.HTML+m.Text, "frontdesk"); hidden == c.full {
				t.Errorf("the mailbox's name is hidden: %v", hidden)
			}
		})
	}
}

func TestMasksInOneMailDiffer(t *testing.T) {
	s := settings(t)
	s.ShowMailbox = notice.ShowMasked
	names := []string{"frontdesk", "frontdesk2", "front", "friday", "fr", "f", "frontoffice", "frontdask"}
	var items []notice.Item
	for _, n := range names {
		one := item("gmail", audit.Revoked)
		one.Mailbox = n + "@sunrise.example"
		items = append(items, one)
	}
	m := compose(t, newLetter("google", items...), s)
	seen := map[string]bool{}
	for _, line := range strings.Split(m.Text, "\n") {
		if mask, ok := strings.CutPrefix(line, "- "); ok && strings.Contains(mask, "•••••") {
			if seen[mask] || strings.Contains(mask, "×") {
				t.Errorf("two mailboxes look alike: %s", mask)
			}
			seen[mask] = true
		}
	}
	if len(seen) != len(names) {
		t.Errorf("%d masks for %d mailboxes:\n%s", len(seen), len(names), m.Text)
	}
	for _, n := range names[:5] {
		if strings.Contains(m.Text, n+"@") {
			t.Errorf("%s is told in full", n)
		}
	}
}

// TestAMaskIsSpoken: screen readers say "bullet" for each of its dots.
func TestAMaskIsSpoken(t *testing.T) {
	s := settings(t)
	s.ShowMailbox = notice.ShowMasked
	m := compose(t, newLetter("google", item("gmail", audit.Revoked)), s)
	if !strings.Contains(m.HTML, `role="img" aria-label="the mailbox that begins with f r, @sunrise.example">fr•••••@sunrise.example<`) {
		t.Error("the mask has no words of its own")
	}
}

func TestWhereTheNewPasswordIsEntered(t *testing.T) {
	s := settings(t)
	s.SettingsURL = "https://app.clinicsource.example/t/{tenant_id}/mail?account={account_id}"
	one := item("gmail", audit.Revoked)
	one.AccountID = "4711 & 12"
	l := newLetter("google", one)
	l.TenantID = "88/1"
	if m := compose(t, l, s); !strings.Contains(m.Text, "https://app.clinicsource.example/t/88%2F1/mail?account=4711%20%26%2012\n") {
		t.Errorf("the page is not the account's:\n%s", m.Text)
	}
	two := one
	two.AccountID, two.Mailbox = "4712", "billing@sunrise.example"
	l.Items = append(l.Items, two)
	m := compose(t, l, s)
	for _, want := range []string{"account=4711%20%26%2012", "account=4712"} {
		if strings.Count(m.Text, want) != 1 || strings.Count(m.HTML, want) != 1 {
			t.Errorf("%s is not there once", want)
		}
	}
	if strings.Contains(m.Text, "Open ClinicSource mail settings") {
		t.Error("one button for two pages")
	}
}
