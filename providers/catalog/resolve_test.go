package catalog_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

func TestResolve(t *testing.T) {
	exchangers := map[string][]string{
		"workspace.example":      {"aspmx.l.google.com.", "alt1.aspmx.l.google.com."},
		"workspace-new.example":  {"SMTP.GOOGLE.COM."},
		"aspmx2.example":         {"aspmx2.googlemail.com"},
		"m365.example":           {"m365-example.mail.protection.outlook.com."},
		"m365-new.example":       {"m365-example.a-v1.mx.microsoft."},
		"live-domain.example":    {"eur.olc.protection.outlook.com."},
		"yahoo-domain.example":   {"mta5.am0.yahoodns.net."},
		"aol-domain.example":     {"mx-aol.mail.gm0.yahoodns.net."},
		"att-domain.example":     {"mx-att.mail.am0.yahoodns.net."},
		"icloud-domain.example":  {"mx01.mail.icloud.com."},
		"zoho-domain.example":    {"mx.zoho.com.", "mx2.zoho.com."},
		"zoho-eu.example":        {"mx.zoho.eu."},
		"fastmail.example":       {"in1-smtp.messagingengine.com."},
		"filtered.example":       {"mx1-us1.ppe-hosted.com.", "aspmx.l.google.com."},
		"mimecast.example":       {"us-smtp-inbound-1.mimecast.com."},
		"evil.example":           {"aspmx.l.evilgoogle.com."},
		"evil2.example":          {"mail.protection.outlook.com.evil.example."},
		"null.example":           {"."},
		"none.example":           nil,
		"xn--bcher-kva.example":  {"mx.zoho.com."},
		"yahoo.co.jp":            {"mx1.mail.yahoo.co.jp."},
		"mailbox.clinic.example": {"mx.clinic.example."},
	}
	resolver := catalog.Resolver(func(_ context.Context, domain string) ([]string, error) {
		switch domain {
		case "gone.example":
			return nil, &net.DNSError{Err: "no such host", Name: domain, IsNotFound: true}
		case "broken.example":
			return nil, &net.DNSError{Err: "server misbehaving", Name: domain, IsTemporary: true}
		}
		hosts, ok := exchangers[domain]
		if !ok {
			t.Errorf("asked for the mail exchangers of %s", domain)
		}
		return hosts, nil
	})
	tests := []struct {
		host, address   string
		provider, brand string
		how             providers.How
		foreign         bool
	}{
		// The stored host decides alone.
		{"smtp.gmail.com", "a@gmail.com", "google", "gmail", "host", false},
		{"smtp.gmail.com", "a@clinic.example", "google", "workspace", "host", false},
		{"SMTP.Gmail.COM.", "a@clinic.example", "google", "workspace", "host", false},
		{"smtp-relay.gmail.com", "a@clinic.example", "google", "workspace", "host", false},
		{"smtp.office365.com", "a@clinic.example", "microsoft", "m365", "host", false},
		{"smtp.office365.com", "a@hotmail.com", "microsoft", "outlook", "host", false},
		{"smtp-mail.outlook.com", "a@clinic.example", "microsoft", "outlook", "host", false},
		{"smtp.mail.yahoo.com", "a@yahoo.com", "yahoo", "yahoo", "host", false},
		{"smtp.aol.com", "a@verizon.net", "yahoo", "verizon", "host", false},
		{"smtp.mail.att.net", "a@sbcglobal.net", "yahoo", "att", "host", false},
		{"smtp.mail.me.com", "a@clinic.example", "apple", "icloud", "host", false},
		{"smtp.zoho.eu", "a@clinic.example", "zoho", "zoho-eu", "host", false},
		{"smtppro.zoho.in", "a@clinic.example", "zoho", "zoho-organisation-in", "host", false},
		{"smtp.fastmail.com", "a@clinic.example", "fastmail", "fastmail", "host", false},
		{"mail.clinic.example", "a@gmail.com", "other", "other", "host", true},
		{"evilsmtp.gmail.com.example", "a@gmail.com", "other", "other", "host", true},
		{"smtp.evilgmail.com", "a@gmail.com", "other", "other", "host", true},
		{"smtp.mail.yahoo.co.jp", "a@yahoo.co.jp", "other", "other", "host", true},

		// Without one the address's domain.
		{"", "a@Gmail.com", "google", "gmail", "domain", false},
		{"", "a@googlemail.com.", "google", "gmail", "domain", false},
		{"", "a@outlook.fr", "microsoft", "outlook", "domain", false},
		{"", "a@clinic.onmicrosoft.com", "microsoft", "m365", "domain", false},
		{"", "a@yahoo.co.uk", "yahoo", "yahoo", "domain", false},
		{"", "a@aim.com", "yahoo", "aol", "domain", false},
		{"", "a@verizon.net", "yahoo", "verizon", "domain", false},
		{"", "a@bellsouth.net", "yahoo", "att", "domain", false},
		{"", "a@me.com", "apple", "icloud", "domain", false},
		{"", "a@zohomail.eu", "zoho", "zoho-eu", "domain", false},
		{"", "a@fastmail.fm", "fastmail", "fastmail", "domain", false},

		// Then its mail exchangers, the most preferred.
		{"", "a@workspace.example", "google", "workspace", "mx", false},
		{"", "a@workspace-new.example", "google", "workspace", "mx", false},
		{"", "a@aspmx2.example", "google", "workspace", "mx", false},
		{"", "a@m365.example", "microsoft", "m365", "mx", false},
		{"", "a@m365-new.example", "microsoft", "m365", "mx", false},
		{"", "a@live-domain.example", "microsoft", "outlook", "mx", false},
		{"", "a@yahoo-domain.example", "yahoo", "yahoo", "mx", false},
		{"", "a@aol-domain.example", "yahoo", "aol", "mx", false},
		{"", "a@att-domain.example", "yahoo", "att", "mx", false},
		{"", "a@icloud-domain.example", "apple", "icloud", "mx", false},
		{"", "a@zoho-domain.example", "zoho", "zoho-organisation", "mx", false},
		{"", "a@zoho-eu.example", "zoho", "zoho-organisation-eu", "mx", false},
		{"", "a@fastmail.example", "fastmail", "fastmail", "mx", false},
		{"", "a@Bücher.example", "zoho", "zoho-organisation", "mx", false},

		// Else it is nobody's.
		{"", "a@filtered.example", "other", "other", "default", false},
		{"", "a@mimecast.example", "other", "other", "default", false},
		{"", "a@evil.example", "other", "other", "default", false},
		{"", "a@evil2.example", "other", "other", "default", false},
		{"", "a@null.example", "other", "other", "default", false},
		{"", "a@none.example", "other", "other", "default", false},
		{"", "a@gone.example", "other", "other", "default", false},
		{"", "a@yahoo.co.jp", "other", "other", "default", false},
		{"", "a@mailbox.clinic.example", "other", "other", "default", false},
		{"", "nonsense", "other", "other", "default", false},
	}
	for _, test := range tests {
		got, err := resolver.Resolve(t.Context(), test.host, test.address)
		if err != nil {
			t.Errorf("%q %q: %v", test.host, test.address, err)
			continue
		}
		if got.Provider.Name != test.provider || got.Brand.Name != test.brand || got.How != test.how || got.ForeignHost != test.foreign {
			t.Errorf("%q %q: %s, %s by %s, foreign host %v; want %s, %s by %s, %v", test.host, test.address,
				got.Provider.Name, got.Brand.Name, got.How, got.ForeignHost, test.provider, test.brand, test.how, test.foreign)
		}
	}
	if got, err := resolver.Resolve(t.Context(), "", "a@broken.example"); !errors.Is(err, providers.ErrUndecided) || got.Provider != nil {
		t.Errorf("a broken name service gives %v, %v; want no provider and ErrUndecided", got.Provider, err)
	}
}
