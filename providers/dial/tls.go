package dial

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"mailaudit/providers"
)

// tlsConfig is shared by all conversations with host, and its sessions with them.
func (d *Dialer) tlsConfig(host string) *tls.Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cfg, ok := d.configs[host]; ok {
		return cfg
	}
	if len(d.configs) >= sessionHosts {
		clear(d.configs)
	}
	cfg := &tls.Config{
		ServerName:         host,
		RootCAs:            d.cfg.RootCAs,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: d.sessions,
	}
	d.configs[host] = cfg
	return cfg
}

// handshakeFault reads what a handshake failed of; FaultNone where it was not about TLS.
func handshakeFault(err error, roots *x509.CertPool) providers.Fault {
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) {
		var name x509.HostnameError
		if errors.As(err, &name) && trusted(unverified.UnverifiedCertificates, roots) {
			return providers.FaultTLSName
		}
		return providers.FaultTLSUntrusted
	}
	var record tls.RecordHeaderError
	var alert tls.AlertError
	if errors.As(err, &record) || errors.As(err, &alert) {
		return providers.FaultTLS
	}
	return providers.FaultNone
}

// trusted reports whether a chain is good but for its name. The standard library looks at the name before
// it builds the chain, so a self-made certificate for another name would pass for a valid one.
func trusted(chain []*x509.Certificate, roots *x509.CertPool) bool {
	if len(chain) == 0 {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err == nil
}
