// Package webhook hands events to the product, signed in the form of Standard Webhooks (https://www.standardwebhooks.com). Redirects
// are not followed, and addresses inside the network are not dialled unless the operator allows them.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/dial"
	"mailaudit/providers/web"
)

const (
	answersWithin = 15 * time.Second
	answerAtMost  = 16 << 10 // bytes of an answer; nothing of it is used
)

// Options are what the operator configured.
type Options struct {
	URL          string
	Secrets      []providers.Secret // whsec_…; each signs, so that one may take the place of another
	Roots        *x509.CertPool     // nil: the system's
	AllowPrivate bool
	Through      http.RoundTripper // nil: the network
}

// Sender hands events over.
type Sender struct {
	url     string
	signers []*standard.Webhook
	client  *http.Client
}

// New returns an error that names no secret.
func New(o Options) (*Sender, error) {
	s := &Sender{url: o.URL}
	for i, secret := range o.Secrets {
		w, err := standard.NewWebhook(secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("secret %d is not whsec_ and base64", i+1)
		}
		s.signers = append(s.signers, w)
	}
	through := o.Through
	if through == nil {
		dialer := &net.Dialer{Timeout: answersWithin}
		if !o.AllowPrivate {
			dialer.Control = publicAlone
		}
		through = &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: web.MaxHeader, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		}
	}
	s.client = web.Client(through, answerAtMost, answersWithin)
	return s, nil
}

// publicAlone looks at the address that a name led to, at the moment of dialling.
func publicAlone(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !dial.Public(at.Addr()) {
		return fmt.Errorf("the address is inside the network (network.allow_private)")
	}
	return nil
}

// payload is an event as it goes over the wire.
type payload struct {
	Type      audit.EventType `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// Send hands one event over. An error says what came of it in our own words: neither the address nor what was answered.
func (s *Sender) Send(ctx context.Context, e audit.Event) error {
	body, err := json.Marshal(payload{e.Type, e.At.UTC(), json.RawMessage(e.Data)})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("events.url is not an address")
	}
	now := time.Now() // the receiver's clock decides, whatever the program's is set to
	var signatures []string
	for _, w := range s.signers {
		signature, err := w.Sign(e.ID, now, body)
		if err != nil {
			return fmt.Errorf("the event is not signed")
		}
		signatures = append(signatures, signature)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "mailaudit")
	r.Header.Set(standard.HeaderWebhookID, e.ID)
	r.Header.Set(standard.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	r.Header.Set(standard.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err := s.client.Do(r)
	if err != nil {
		return web.Cause(err)
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}
