package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Certificate is the kind of certificate that a server shows.
type Certificate string

const (
	CertificateGood      Certificate = ""
	CertificateOtherName Certificate = "other-name" // valid, but for another host
	CertificateExpired   Certificate = "expired"
	CertificateUnknownCA Certificate = "unknown-ca"
	CertificateSelfMade  Certificate = "self-made" // unknown, and for another host
)

// Authority is a certificate authority of the simulated world's own.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one whose certificates are valid from a year ago for 20 years, so that simulated
// nights may lie anywhere near.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a simulated authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Simulated authority"},
		NotBefore:             time.Now().AddDate(-1, 0, 0),
		NotAfter:              time.Now().AddDate(20, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a simulated authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a simulated authority: %w", err)
	}
	return &Authority{cert: cert, key: key}, nil
}

// PEM is the authority's certificate, for network.tls_ca.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Issue makes a certificate for hosts, names or addresses.
func (a *Authority) Issue(hosts ...string) (tls.Certificate, error) {
	return a.issue(CertificateGood, hosts)
}

func (a *Authority) issue(kind Certificate, hosts []string) (tls.Certificate, error) {
	notBefore, notAfter := time.Now().AddDate(-1, 0, 0), time.Now().AddDate(20, 0, 0)
	issuer := a
	switch kind {
	case CertificateOtherName, CertificateSelfMade:
		hosts = []string{"mail.other.example"}
	case CertificateExpired:
		notAfter = time.Now().AddDate(0, 0, -1)
	}
	if kind == CertificateUnknownCA || kind == CertificateSelfMade {
		other, err := NewAuthority()
		if err != nil {
			return tls.Certificate{}, err
		}
		issuer = other
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: hosts[0]},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, &key.PublicKey, issuer.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issue a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, issuer.cert.Raw}, PrivateKey: key}, nil
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // the system has no randomness, which crypto/rand itself no longer reports
	}
	return n
}
