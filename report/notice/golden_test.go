package notice_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

var update = flag.Bool("update", false, "write the golden files")

// logo is a PNG of one dot.
func logo(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/logo.png")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with go test -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (go test -update accepts it):\n%s", path, diff)
	}
}

// TestGuideTexts keeps every text of the matrix in one file a provider, each under the cells that have it.
func TestGuideTexts(t *testing.T) {
	byProvider := map[string][]composed{}
	for _, c := range matrix() {
		if c.verdict.Failing() {
			byProvider[c.provider.Name] = append(byProvider[c.provider.Name], c)
		}
	}
	for _, p := range catalog.All() {
		t.Run(p.Name, func(t *testing.T) {
			var order []string
			where := map[string][]string{}
			brands := map[string][]string{}
			for _, c := range append(byProvider[p.Name], besides(t, p)...) {
				text := c.mail.Subject + "\n\n" + c.mail.Text
				if where[text] == nil {
					order = append(order, text)
				}
				row := fmt.Sprintf("%s, %s, oauth=%v, grant=%v, %s", c.verdict, c.actor, c.oauth, c.grant, c.locale)
				if c.kind != "" {
					row = string(c.kind) + ": " + row
				}
				if !slices.Contains(where[text], row) {
					where[text] = append(where[text], row)
				}
				brands[text+row] = append(brands[text+row], c.brand.Name)
			}
			var sb strings.Builder
			for _, text := range order {
				for _, row := range where[text] {
					fmt.Fprintf(&sb, "=== %s: %s\n", row, strings.Join(brands[text+row], " "))
				}
				fmt.Fprintf(&sb, "\n%s\n", text)
			}
			golden(t, "testdata/guides/"+p.Name+".txt", []byte(sb.String()))
		})
	}
}

// besides are the mails that are not about a new finding: what is told ahead, and that all is well.
func besides(t *testing.T, p *providers.Provider) []composed {
	t.Helper()
	s := settings(t)
	var out []composed
	for _, c := range cells(s.Guides) {
		if c.provider != p || c.actor != providers.ActorCustomer || c.oauth != c.grant {
			continue
		}
		for _, kind := range []audit.NoticeKind{audit.KindAhead, audit.KindRecovered} {
			l := newLetter(p.Name, item(c.brand.Name, c.verdict))
			l.Kind, l.Locale, l.Items[0].Grant = kind, c.locale, c.grant
			m, err := notice.Compose(l, s)
			if errors.Is(err, notice.ErrNoMail) {
				continue
			}
			if err != nil {
				t.Fatalf("%s, %v: %v", kind, c, err)
			}
			c.kind = kind
			out = append(out, composed{c, m, nil})
		}
	}
	return out
}

func TestMails(t *testing.T) {
	several := newLetter("microsoft",
		item("outlook", audit.MethodRetired), item("m365", audit.AuthDisabled), item("m365", audit.AuthDisabled),
		item("m365", audit.SingleFactor))
	several.Items[1].Actor, several.Items[2].Actor = providers.ActorAdministrator, providers.ActorAdministrator
	several.Items[2].Mailbox = "billing@sunrise.example"

	many := newLetter("yahoo")
	for i := range 23 {
		one := item("aol", audit.Revoked)
		one.Mailbox = fmt.Sprintf("%c%c-desk@aol.com", 'a'+i%5, 'a'+i/5)
		many.Items = append(many.Items, one)
	}

	reminder := newLetter("google", item("gmail", audit.Revoked))
	reminder.Kind, reminder.Number = audit.KindReminder, 4902
	reminder.Thread = notice.MessageID(4821, "prod", settings(t).From)
	recovered := reminder
	recovered.Kind, recovered.Number = audit.KindRecovered, 4977

	spanish := newLetter("google", item("gmail", audit.Revoked))
	spanish.Locale = "es-MX"

	hostile := newLetter("other", item("other", audit.Invalid))
	hostile.TenantName = "<script>alert(1)</script> <!channel> =1+1 & 'Co' {{product}}"
	hostile.ContactName = "מרים\r\nBcc: all"

	branded := settings(t)
	branded.Product, branded.Colour, branded.Logo = "Praxis & Co", "#ffd54a", logo(t)
	branded.ReplyTo = "help@praxis.example"
	branded.OAuthOffered = []string{"google", "microsoft"}

	for _, c := range []struct {
		name     string
		letter   notice.Letter
		settings notice.Settings
	}{
		{"google-revoked", newLetter("google", item("gmail", audit.Revoked)), settings(t)},
		{"google-revoked-branded", newLetter("google", item("gmail", audit.Revoked)), branded},
		{"google-revoked-es", spanish, settings(t)},
		{"microsoft-several", several, settings(t)},
		{"yahoo-many", many, settings(t)},
		{"google-reminder", reminder, settings(t)},
		{"google-recovered", recovered, settings(t)},
		{"other-hostile-names", hostile, settings(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := compose(t, c.letter, c.settings)
			golden(t, "testdata/mails/"+c.name+".eml", m.Raw)
		})
	}
}
