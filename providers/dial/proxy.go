package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"
)

// errProxy marks what went wrong between us and our own proxy.
var errProxy = errors.New("proxy")

// throughProxy dials by a SOCKS5 proxy, RFC 1928.
func throughProxy(raw string, direct *net.Dialer) (dialFunc, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "socks5" || u.Port() == "" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("proxy: must be socks5://host:port") // the URL may hold a password
	}
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	socks, err := proxy.SOCKS5("tcp", u.Host, auth, direct)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	dialer, ok := socks.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("proxy: the SOCKS5 dialer takes no context")
	}
	return func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, "tcp", to.String())
		if err != nil && ctx.Err() == nil && !aboutTarget(err) {
			return nil, fmt.Errorf("%w: %w", errProxy, err)
		}
		return conn, err
	}, nil
}

// aboutTarget tells a proxy's word on the mail server (reply codes 3 to 6 of RFC 1928 section 6) from its
// own trouble. The library gives the codes as text alone.
func aboutTarget(err error) bool {
	text := err.Error()
	for _, said := range []string{"network unreachable", "host unreachable", "connection refused", "TTL expired"} {
		if strings.HasSuffix(text, "unknown error "+said) {
			return true
		}
	}
	return false
}

// leftBy is the address that the mail server sees us at, as far as we can know it.
func leftBy(conn net.Conn, proxied bool) netip.Addr {
	at := conn.LocalAddr()
	if proxied {
		bound, ok := conn.(interface{ BoundAddr() net.Addr })
		if !ok || bound.BoundAddr() == nil {
			return netip.Addr{}
		}
		at = bound.BoundAddr()
	}
	var from netip.Addr
	if tcp, ok := at.(*net.TCPAddr); ok {
		from = tcp.AddrPort().Addr()
	} else if ap, err := netip.ParseAddrPort(at.String()); err == nil {
		from = ap.Addr()
	}
	if !from.IsValid() || from.IsUnspecified() {
		return netip.Addr{}
	}
	return from.Unmap()
}
