package notice

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/emersion/go-smtp"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// Relay says where mails are handed over.
type Relay struct {
	// URL is smtp://host:587 (STARTTLS is required), smtps://host:465 (TLS from the first byte), or
	// smtp+insecure://host:25 (no TLS, for tests). User name and password may stand in it.
	URL      string
	Username string
	Password providers.Secret
	RootCAs  *x509.CertPool // nil: the system's
	EHLO     string         // the name we greet with; default: as providers are greeted, see [protocol.HostName]
	MaxRate  float64        // mails a second; 0: no limit
	// Timeout bounds connecting with everything before the first mail, and each command. Default 30 s.
	Timeout time.Duration
	// DotTimeout bounds the wait for the answer to a message. Relays that pass messages on while the
	// sender waits take minutes (RFC 5321 section 4.5.3.2.6 says 10). Default 2 min.
	DotTimeout time.Duration
	// Grace is how long an answer to a message is waited for after the caller gave up: a mail that
	// was handed over and not answered is ambiguous for good. Default 10 s.
	Grace time.Duration
}

// RelayError is trouble with the relay itself, our own fault and no mail's: it cannot be reached, has no
// TLS, or does not take our password or sender address.
type RelayError struct {
	Stage string
	Err   error
}

func (e *RelayError) Error() string { return "relay: " + e.Stage + ": " + e.Err.Error() }
func (e *RelayError) Unwrap() error { return e.Err }

// Refused reports whether the relay itself said no, in a reply.
func (e *RelayError) Refused() bool { return errors.As(e.Err, new(*smtp.SMTPError)) }

type endpoint struct {
	addr     string // host:port
	host     string
	implicit bool
	insecure bool
}

// parseRelay never quotes the URL in an error, since a password may stand in it.
func parseRelay(r *Relay) (endpoint, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return endpoint{}, errors.New("relay.url must look like smtp://host:587 or smtps://host:465")
	}
	e := endpoint{host: u.Hostname()}
	port := u.Port()
	switch u.Scheme {
	case "smtp":
		port = orDefault(port, "587")
	case "smtps":
		e.implicit = true
		port = orDefault(port, "465")
	case "smtp+insecure":
		e.insecure = true
		port = orDefault(port, "25")
	default:
		return endpoint{}, errors.New("relay.url must begin with smtp://, smtps:// or smtp+insecure://")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, errors.New("relay.url has an impossible port")
	}
	e.addr = net.JoinHostPort(e.host, port)
	if u.User != nil {
		if r.Username == "" {
			r.Username = u.User.Username()
		}
		if p, ok := u.User.Password(); ok && r.Password.Empty() {
			r.Password = providers.NewSecret(p)
		}
	}
	if e.insecure && r.Username != "" && !isLoopback(e.host) {
		return endpoint{}, errors.New("relay.url: a password goes over smtp+insecure:// to loopback alone; use smtp:// or smtps://")
	}
	return e, nil
}

func orDefault(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (e endpoint) tls(roots *x509.CertPool) *tls.Config {
	return &tls.Config{ServerName: e.host, RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func (r *Relay) defaults() {
	if r.Timeout <= 0 {
		r.Timeout = 30 * time.Second
	}
	if r.DotTimeout <= 0 {
		r.DotTimeout = 2 * time.Minute
	}
	if r.Grace <= 0 {
		r.Grace = 10 * time.Second
	}
	if name, full := protocol.HostName(); r.EHLO == "" && full {
		r.EHLO = name // else the address we leave by
	}
}

func describeTLS(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w (name its authority in network.tls_ca)", err)
	}
	return err
}
