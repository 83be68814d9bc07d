// Package web is how the program speaks HTTP with anybody outside: Slack, the token endpoints, a Pushgateway, a
// watcher. Whoever answers there, or plays who should, gets no more of us than one answer of a bounded size within a
// deadline: no redirect is followed, since it would carry a token, a body or a secret address to a host that nobody
// configured. Addresses are secrets (a webhook's path is its password), so [Cause] gives errors without them.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// MaxHeader bounds the header of an answer, in bytes.
const MaxHeader = 64 << 10

var (
	// ErrTooLong ends the reading of an answer that is longer than its client takes.
	ErrTooLong = errors.New("the answer is longer than any honest one")

	errNotHTTP     = errors.New("the answer is not HTTP")
	errNotSet      = errors.New("the connection could not be set up")
	errNoTime      = errors.New("no answer in time")
	errInterrupted = errors.New("interrupted")
	errEnded       = errors.New("the connection ended before the answer did")
	errNoHost      = errors.New("the host's name is not known to the name service")
	errNameService = errors.New("the name service does not answer")
	errTLS         = errors.New("TLS failed; the certificate, or what stands on the way, is not the host's")
)

// Client makes a client whose answers have at most body bytes and which gives up after within, the reading of the
// body included. A nil transport is the system's, with the proxy of the environment.
func Client(through http.RoundTripper, body int64, within time.Duration) *http.Client {
	if through == nil {
		through = outside
	}
	return &http.Client{Transport: metered{through, body}, CheckRedirect: Stay, Timeout: within}
}

// Stay takes a redirect for the answer.
func Stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var outside = func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = MaxHeader
	t.DisableCompression = true // a body is as long as it looks
	return t
}()

// metered bounds the body of each answer.
type metered struct {
	next http.RoundTripper
	most int64
}

func (m metered) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &body{resp.Body, m.most}
	return resp, nil
}

type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n + int(b.left), ErrTooLong
	}
	return n, err
}

// Cause says in our own words why a request got no answer. The libraries' errors hold the address, which may be a
// secret, and what the other side said, which may repeat it. The original stays reachable by errors.Is and errors.As.
func Cause(err error) error {
	if err == nil {
		return nil
	}
	return &cause{said: said(err), err: err}
}

type cause struct{ said, err error }

func (c *cause) Error() string { return c.said.Error() }
func (c *cause) Unwrap() error { return c.err }

func said(err error) error {
	var (
		name    *net.DNSError
		op      *net.OpError
		known   *cause
		record  tls.RecordHeaderError
		refused *tls.CertificateVerificationError
		alert   tls.AlertError
		host    x509.HostnameError
		issuer  x509.UnknownAuthorityError
		timeout net.Error
	)
	switch {
	case errors.As(err, &known):
		return known.said
	case errors.Is(err, ErrTooLong):
		return ErrTooLong
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errNoTime
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case errors.As(err, &name) && name.IsNotFound:
		return errNoHost
	case errors.As(err, &name):
		return errNameService
	case errors.As(err, &record), errors.As(err, &refused), errors.As(err, &alert), errors.As(err, &host), errors.As(err, &issuer):
		return errTLS
	case errors.As(err, &op) && op.Op == "dial" || errors.As(err, &op) && op.Op == "read":
		return op.Err // the system's own word: refused, reset, unreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errEnded
	case errors.As(err, &op):
		return errNotSet
	}
	return errNotHTTP
}
