package providers_test

import (
	"errors"
	"testing"

	"mailaudit/providers"
)

func TestComplete(t *testing.T) {
	google := &providers.Brand{
		Endpoint:     providers.Endpoint{Host: "smtp.gmail.com", Port: 465, Security: providers.ImplicitTLS},
		Alternatives: []providers.Endpoint{{Host: "smtp.gmail.com", Port: 587, Security: providers.STARTTLS}},
	}
	microsoft := &providers.Brand{Endpoint: providers.Endpoint{Host: "smtp.office365.com", Port: 587, Security: providers.STARTTLS}}
	other := &providers.Brand{}
	tests := []struct {
		brand    *providers.Brand
		host     string
		port     int
		security providers.Security
		want     string
	}{
		{google, "", 0, "", "smtp.gmail.com:465 (tls)"},
		{google, "", 587, "", "smtp.gmail.com:587 (starttls)"},
		{google, "", 0, "starttls", "smtp.gmail.com:587 (starttls)"},
		{google, "SMTP.GMAIL.COM.", 465, "", "smtp.gmail.com:465 (tls)"},
		{google, "smtp-relay.gmail.com", 0, "", "smtp-relay.gmail.com:465 (tls)"},
		{microsoft, "", 0, "", "smtp.office365.com:587 (starttls)"},
		{microsoft, "", 25, "", "smtp.office365.com:25 (starttls)"},
		{microsoft, "", 0, "tls", "smtp.office365.com:465 (tls)"},
		{other, "mail.clinic.example", 0, "", "mail.clinic.example:587 (starttls)"},
		{other, "mail.clinic.example", 0, "tls", "mail.clinic.example:465 (tls)"},
		{other, "mail.clinic.example", 465, "", "mail.clinic.example:465 (tls)"},
		{other, "mail.clinic.example", 2525, "", "mail.clinic.example:2525 (starttls)"},
		{other, "mail.clinic.example", 465, "starttls", "mail.clinic.example:465 (starttls)"},
		{other, "m\u00fcller.example", 587, "tls", "xn--mller-kva.example:587 (tls)"},
		{other, "2001:db8::1", 587, "", "[2001:db8::1]:587 (starttls)"},
	}
	for _, test := range tests {
		got, err := test.brand.Complete(test.host, test.port, test.security)
		if err != nil || got.String() != test.want {
			t.Errorf("%q %d %q: %v (%v), want %s", test.host, test.port, test.security, got, err, test.want)
		}
	}
	if _, err := other.Complete("", 587, ""); !errors.Is(err, providers.ErrNoEndpoint) {
		t.Errorf("no host, unknown provider: %v", err)
	}
}
