package notice_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"mailaudit/providers"
	"mailaudit/report/notice"
)

type security int

const (
	starttls security = iota
	implicit
	insecure
)

// relay is a mail server on loopback that keeps what it takes.
type relay struct {
	url   string
	roots *x509.CertPool
	auth  string // the mechanism it offers; "" for none

	server   *smtp.Server
	listener *countingListener

	mu    sync.Mutex
	taken []taken
	tries int
	at    string
	err   error
}

type taken struct{ from, to, data string }

const relayPassword = "relay-password"

func newRelay(t *testing.T, sec security, auth string) *relay {
	t.Helper()
	config, roots := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{roots: roots, auth: auth, listener: &countingListener{Listener: l}}
	r.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{relay: r}, nil }))
	r.server.Domain = "relay.test"
	r.server.AllowInsecureAuth = true
	r.server.ErrorLog = quiet{}
	var on net.Listener = r.listener
	scheme := "smtp://"
	switch sec {
	case starttls:
		r.server.TLSConfig = config
	case implicit:
		scheme = "smtps://"
		on = tls.NewListener(r.listener, config)
	case insecure:
		scheme = "smtp+insecure://"
	}
	r.url = scheme + l.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); r.server.Serve(on) }()
	t.Cleanup(func() { r.stop(); <-done })
	return r
}

func (r *relay) settings() notice.Relay {
	s := notice.Relay{URL: r.url, RootCAs: r.roots, Timeout: 5 * time.Second, EHLO: "audit.test"}
	if r.auth != "" {
		s.Username, s.Password = "support", providers.NewSecret(relayPassword)
	}
	return s
}

func (r *relay) stop() {
	r.listener.Close() // the server knows it only once Serve has begun
	r.server.Close()
}

func (r *relay) refuse(at string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.err = at, err
}

func (r *relay) verdict(at string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == at {
		return r.err
	}
	return nil
}

func (r *relay) mails() []taken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]taken(nil), r.taken...)
}

func (r *relay) attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries
}

func (r *relay) connections() int { return r.listener.count() }

func (r *relay) hangUp() { r.listener.hangUp() }

// closed waits until the relay sees no connection any more.
func (r *relay) closed(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for r.listener.open() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections were left open", r.listener.open())
		}
		time.Sleep(time.Millisecond)
	}
}

type session struct {
	relay *relay
	mail  taken
}

func (s *session) AuthMechanisms() []string {
	if s.relay.auth == "" {
		return nil
	}
	return []string{s.relay.auth}
}

func (s *session) Auth(mech string) (sasl.Server, error) {
	check := func(identity, username, password string) error {
		s.relay.mu.Lock()
		s.relay.tries++
		s.relay.mu.Unlock()
		if username != "support" || password != relayPassword {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "bad credentials"}
		}
		return nil
	}
	if mech == sasl.Plain {
		return sasl.NewPlainServer(check), nil
	}
	return &loginServer{check: check}, nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = taken{from: from}
	return s.relay.verdict("mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	return s.relay.verdict("rcpt")
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.relay.verdict("data"); err != nil {
		return err
	}
	s.mail.data = string(b)
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.taken = append(s.relay.taken, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// loginServer is AUTH LOGIN, which go-sasl has for clients alone.
type loginServer struct {
	check func(identity, username, password string) error
	given []string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		l.given = append(l.given, string(response))
	}
	switch len(l.given) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	case 2:
		return nil, true, l.check("", l.given[0], l.given[1])
	}
	return nil, true, errors.New("too much")
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type countingListener struct {
	net.Listener
	mu    sync.Mutex
	total int
	live  map[*countedConn]bool
}

type countedConn struct {
	net.Conn
	listener *countingListener
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if l.live == nil {
		l.live = map[*countedConn]bool{}
	}
	counted := &countedConn{c, l}
	l.live[counted] = true
	return counted, nil
}

func (c *countedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.live, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

func (l *countingListener) count() int { l.mu.Lock(); defer l.mu.Unlock(); return l.total }
func (l *countingListener) open() int  { l.mu.Lock(); defer l.mu.Unlock(); return len(l.live) }

// hangUp cuts every connection, as a relay does with idle ones.
func (l *countingListener) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.live {
		c.Conn.Close()
	}
}

func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}
