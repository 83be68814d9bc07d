// Package dial holds one conversation with a mail server: it connects, insists on verified TLS, offers
// one credential once, and says goodbye. It tells what the server said, or why it said nothing, and
// judges neither; how often and how fast a server is asked is decided by callers. Start with [New] and
// [Dialer.Verify].
//
// An offer of PIPELINING is not taken: RFC 2920 section 3.1 lets EHLO, STARTTLS, AUTH and QUIT stand in a group as its last
// command alone, so a conversation that sends no mail has no two commands that could go together.
package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// Resolver finds the addresses of a host. *net.Resolver is one. A name that does not exist is a
// *net.DNSError with IsNotFound.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is how the program reaches mail servers. The zero value works: the system's resolver and roots,
// no proxy, 30 seconds.
type Config struct {
	// Timeout bounds a whole conversation, from the name's resolution to the last byte of QUIT. Default 30s.
	Timeout time.Duration
	// ConnectTo leads "host:port" to another "host:port", as curl's --connect-to does: the certificate is
	// still verified for the host that was asked for. Such targets are the operator's word and are exempt
	// from the address policy.
	ConnectTo map[string]string
	// RootCAs verify certificates. Default: the system's.
	RootCAs *x509.CertPool
	// AllowPrivate lifts the address policy: hosts may resolve to loopback, private and link-local addresses.
	AllowPrivate bool
	// Deny lists prefixes that account hosts may not resolve to, public or not, whatever AllowPrivate says.
	Deny []netip.Prefix
	// Ports are those that account hosts are dialled at; empty for any.
	Ports []int
	// EHLO is the name we greet with. Default: the host's name if it has a dot in it, else the address we
	// leave by as an address literal (RFC 5321 section 4.1.3).
	EHLO string
	// Proxy is socks5://[user:password@]host:port; empty for none. Names are resolved and checked here, and
	// the proxy is given the address.
	Proxy string
	// Resolver answers for the names that are dialled. Default: the system's.
	Resolver Resolver
	// Now is the clock of StartedAt and Took. Deadlines and certificates go by real time. Default: time.Now.
	Now func() time.Time
}

// Dialer holds conversations. It is safe for concurrent use; its conversations share TLS sessions, so
// that accounts of one endpoint resume them.
type Dialer struct {
	cfg      Config
	dial     dialFunc
	proxied  bool
	sessions tls.ClientSessionCache

	mu      sync.Mutex
	configs map[string]*tls.Config
}

// sessionHosts bounds the hosts whose TLS sessions and settings are kept: enough for every large provider
// and the shared hosts of one night's batches, and flat over a million accounts.
const sessionHosts = 256

// New checks cfg and makes a Dialer. Nothing is dialled.
func New(cfg Config) (*Dialer, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("timeout %s: must be positive", cfg.Timeout)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Resolver == nil {
		cfg.Resolver = ofSystem()
	}
	if cfg.EHLO == "" {
		if name, full := protocol.HostName(); full {
			cfg.EHLO = name
		}
	}
	if strings.ContainsFunc(cfg.EHLO, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("EHLO name %q: must be a host name in ASCII", cfg.EHLO)
	}
	for from, to := range cfg.ConnectTo {
		for _, hostport := range []string{from, to} {
			if _, _, err := splitHostPort(hostport); err != nil {
				return nil, fmt.Errorf("connect to %q instead of %q: %w", to, from, err)
			}
		}
	}
	direct := &net.Dialer{KeepAlive: -1} // a conversation is shorter than any keep-alive interval
	d := &Dialer{
		cfg:      cfg,
		dial:     directly(direct),
		sessions: tls.NewLRUClientSessionCache(sessionHosts),
		configs:  make(map[string]*tls.Config),
	}
	if cfg.Proxy != "" {
		dial, err := throughProxy(cfg.Proxy, direct)
		if err != nil {
			return nil, err
		}
		d.dial, d.proxied = dial, true
	}
	return d, nil
}

var _ providers.VerifyFunc = (*Dialer)(nil).Verify

// Verify holds one conversation: one connection, one mechanism, one AUTH, QUIT; before it, for a grant, one
// exchange with the token endpoint. It returns when ctx ends, but for an exchange that has begun: its answer is
// waited for, as it may hold the one refresh token that is alive from now on.
func (d *Dialer) Verify(ctx context.Context, a providers.Attempt) providers.Conversation {
	started := d.cfg.Now()
	limited, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	t := &talk{
		dialer: d,
		parent: ctx,
		ctx:    limited,
		a:      a,
		scrub:  protocol.NewScrubber(a.Login, a.Secret.Reveal()),
		result: providers.Conversation{Endpoint: a.Endpoint, Stage: providers.StageGreeting, StartedAt: started},
	}
	if a.Grant == nil || t.redeemed() {
		t.hold()
	}
	t.settleDialogue()
	t.result.Took = d.cfg.Now().Sub(started)
	return t.result
}
