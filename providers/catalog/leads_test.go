package catalog

import (
	"context"
	"errors"
	"testing"

	"mailaudit/providers"
)

func TestWhereAnAddressLeads(t *testing.T) {
	mx := map[string][]string{
		"clinic.example":  {"mx1.hoster.example.", "backup.elsewhere.example."},
		"workspace.test":  {"aspmx.l.google.com."},
		"filtered.test":   {"filter.example.", "aspmx.l.google.com."},
		"bücher.example":  nil,
		"nowhere.example": nil,
	}
	r := Resolver(func(_ context.Context, domain string) ([]string, error) {
		if domain == "unknown.example" {
			return nil, errors.New("SERVFAIL")
		}
		return mx[domain], nil
	})
	for _, test := range []struct {
		login, host string
		want        bool
	}{
		{"a@clinic.example", "mail.clinic.example", true},
		{"a@clinic.example", "SMTP.clinic.example.", true},
		{"a@clinic.example", "clinic.example", true},
		{"a@clinic.example", "mx1.hoster.example", true},
		{"a@clinic.example", "evil.clinic.example", false},
		{"a@clinic.example", "mail.clinic.example.evil.example", false},
		{"a@clinic.example", "mail.hoster.example", false},
		{"a@clinic.example", "smtp.gmail.com", false},
		{"a@workspace.test", "smtp.gmail.com", true},
		{"a@workspace.test", "smtp.office365.com", false},
		{"a@filtered.test", "smtp.gmail.com", false},
		{"a@gmail.com", "smtp.gmail.com", true},
		{"a@gmail.com", "mail.gmail.com.evil.example", false},
		{"a@hotmail.com", "smtp.gmail.com", false},
		{"a@nowhere.example", "mail.evil.example", false},
		{"info", "mail.clinic.example", false},
		{"a@", "mail.clinic.example", false},
	} {
		got, err := r.Leads(t.Context(), test.login, test.host)
		if err != nil || got != test.want {
			t.Errorf("%s leads to %s: %v, %v", test.login, test.host, got, err)
		}
	}
	if leads, err := r.Leads(t.Context(), "a@unknown.example", "mail.other.example"); leads || !errors.Is(err, providers.ErrUndecided) {
		t.Errorf("a name service that fails: %v, %v", leads, err)
	}
	for address, want := range map[string]string{"a@gmail.com": "google", "a@GoogleMail.com.": "google", "a@hotmail.co.uk": "microsoft", "a@yahoo.com": "yahoo", "a@icloud.com": "apple"} {
		if p := r.OwnerOf(address); p == nil || p.Name != want {
			t.Errorf("%s is owned by %v", address, p)
		}
	}
	if p := r.OwnerOf("a@workspace.test"); p != nil {
		t.Errorf("a customer's own domain is owned by %s", p.Name)
	}
}
