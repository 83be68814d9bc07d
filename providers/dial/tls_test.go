package dial

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"

	"mailaudit/providers"
)

// Settings are shared by the conversations with a host, and no night of a million hosts keeps them all.
func TestSettingsOfHosts(t *testing.T) {
	d, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	first := d.tlsConfig("mail.clinic.example")
	if d.tlsConfig("mail.clinic.example") != first {
		t.Error("two of one host")
	}
	for i := range 3 * sessionHosts {
		host := fmt.Sprintf("mail%d.clinic.example", i)
		if cfg := d.tlsConfig(host); cfg.ServerName != host || cfg.InsecureSkipVerify {
			t.Fatalf("%s: %+v", host, cfg)
		}
	}
	if n := len(d.configs); n > sessionHosts {
		t.Errorf("%d hosts are kept", n)
	}
}

func TestHandshakeFault(t *testing.T) {
	named := &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "mail.clinic.example"}}
	for name, tt := range map[string]struct {
		err  error
		want providers.Fault
	}{
		"no TLS":                {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, providers.FaultTLS},
		"alert":                 {fmt.Errorf("remote error: %w", tls.AlertError(40)), providers.FaultTLS},
		"no certificate":        {named, providers.FaultTLSUntrusted}, // whose name could not be the fault
		"unknown authority":     {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, providers.FaultTLSUntrusted},
		"nothing to do with it": {errors.New("connection reset"), providers.FaultNone},
	} {
		if got := handshakeFault(tt.err, nil); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
