package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

type dialFunc func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

// directly dials addresses that are looked up already.
func directly(d *net.Dialer) dialFunc {
	return func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		conn, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, to)
		if err != nil {
			return nil, err // and no *net.TCPConn that is nil
		}
		return conn, nil
	}
}

// maxAddresses of one host are tried: a round robin of more is not the reason why nothing answers.
const maxAddresses = 4

var (
	errDenied = errors.New("address is one of network.deny")
	errPort   = errors.New("the stored port is none of network.ports")
)

// errRefused: every address of the host lies where we do not dial.
var errRefused = errors.New("address is loopback, private, link-local or otherwise not on the public internet; network.allow_private permits it")

// asciiHost gives the form of a stored host that is resolved and that a certificate names.
func asciiHost(host string) (string, error) {
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || ascii == "" {
		return "", &net.DNSError{Err: "not a host name", Name: host}
	}
	return ascii, nil
}

func splitHostPort(hostport string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(p)
	if err != nil || port < 1 || port > 65535 || host == "" {
		return "", 0, fmt.Errorf("%q is not host:port", hostport)
	}
	return host, port, nil
}

// connectAccount dials what an account has stored. An account names its own host and port, so without these limits a
// customer could have us knock at whatever listens there. Targets of ConnectTo are the operator's word.
func (d *Dialer) connectAccount(ctx context.Context, host string, port int) (net.Conn, netip.Addr, error) {
	if _, ok := d.cfg.ConnectTo[net.JoinHostPort(host, strconv.Itoa(port))]; ok {
		return d.connect(ctx, host, port, nil)
	}
	if len(d.cfg.Ports) > 0 && !slices.Contains(d.cfg.Ports, port) {
		return nil, netip.Addr{}, errPort
	}
	return d.connect(ctx, host, port, d.cfg.Deny)
}

// connect dials the addresses of host in turn, but for those of deny. The address that was checked is the one that is dialled,
// so that a name which answers differently the second time leads nowhere else.
func (d *Dialer) connect(ctx context.Context, host string, port int, deny []netip.Prefix) (net.Conn, netip.Addr, error) {
	exempt := d.cfg.AllowPrivate
	if to, ok := d.cfg.ConnectTo[net.JoinHostPort(host, strconv.Itoa(port))]; ok {
		host, port, _ = splitHostPort(to)
		exempt = true
	}
	addrs, err := d.addresses(ctx, host)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	if !exempt {
		kept := addrs[:0]
		for _, a := range addrs {
			if Public(a) {
				kept = append(kept, a)
			}
		}
		if addrs = kept; len(addrs) == 0 {
			return nil, netip.Addr{}, errRefused
		}
	}
	if addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return denied(deny, a) }); len(addrs) == 0 {
		return nil, netip.Addr{}, errDenied
	}
	addrs = addrs[:min(len(addrs), maxAddresses)]
	var first error
	for i, addr := range addrs {
		conn, err := d.dialWithin(ctx, netip.AddrPortFrom(addr, uint16(port)), len(addrs)-i)
		if err == nil {
			return conn, addr, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, addrs[0], first
}

func (d *Dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	found, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &net.DNSError{Err: "no address in the answer", Name: host}
	}
	addrs := make([]netip.Addr, len(found))
	for i, a := range found {
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

// dialWithin gives one address its share of the time that is left, so that one which swallows packets
// leaves time for the next.
func (d *Dialer) dialWithin(ctx context.Context, to netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return d.dial(ctx, to)
}

// systemResolver asks the system. Names with a dot are absolute: a search list, as Kubernetes sets one,
// must not lead a customer's host into our own domain, and costs a query for each of its entries.
type systemResolver struct{ usual, strict Resolver }

// ofSystem asks anew with strict errors. By default a failed A query beside an empty AAAA answer may read as
// "not found"; that answer counts against the customer's settings, so it is believed only where no query failed.
func ofSystem() systemResolver {
	return systemResolver{usual: net.DefaultResolver, strict: &net.Resolver{PreferGo: true, StrictErrors: true}}
}

func (s systemResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if strings.Contains(host, ".") && !strings.HasSuffix(host, ".") {
		host += "."
	}
	addrs, err := s.usual.LookupNetIP(ctx, network, host)
	var dnsErr *net.DNSError
	if errors.As(err, &dnsErr) && dnsErr.IsNotFound {
		return s.strict.LookupNetIP(ctx, network, host)
	}
	return addrs, err
}
