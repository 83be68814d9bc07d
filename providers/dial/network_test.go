package dial_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mailaudit/providers"
	"mailaudit/providers/dial"
	"mailaudit/providers/sim"
)

// names answers each question with the next answer of its list, and with the last one from then on.
type names struct {
	answers [][]string
	err     error
	asked   atomic.Int32
}

func (n *names) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	i := int(n.asked.Add(1)) - 1
	if n.err != nil {
		return nil, n.err
	}
	var out []netip.Addr
	for _, a := range n.answers[min(i, len(n.answers)-1)] {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, ctx.Err()
}

func listenerAt(t *testing.T) (net.Listener, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var knocks atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			knocks.Add(1)
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l, &knocks
}

func port(addr net.Addr) int { return addr.(*net.TCPAddr).Port }

func TestNoKnockInsideOurNetwork(t *testing.T) {
	l, knocks := listenerAt(t)
	for name, tt := range map[string]struct {
		host    string
		answers [][]string
		err     error
		want    providers.Fault
	}{
		"literal":                 {host: "127.0.0.1", want: providers.FaultAddressRefused},
		"literal IPv6":            {host: "::1", want: providers.FaultAddressRefused},
		"bracketed":               {host: "[::1]", want: providers.FaultAddressRefused},
		"mapped":                  {host: "::ffff:127.0.0.1", want: providers.FaultAddressRefused},
		"NAT64":                   {host: "64:ff9b::7f00:1", want: providers.FaultAddressRefused},
		"zone":                    {host: "fe80::1%lo", want: providers.FaultAddressRefused},
		"name":                    {host: "mail.clinic.example", answers: [][]string{{"127.0.0.1"}}, want: providers.FaultAddressRefused},
		"name with trailing dot":  {host: "mail.clinic.example.", answers: [][]string{{"127.0.0.1"}}, want: providers.FaultAddressRefused},
		"name of mapped":          {host: "mail.clinic.example", answers: [][]string{{"::ffff:127.0.0.1", "::1", "10.0.0.1"}}, want: providers.FaultAddressRefused},
		"no address in an answer": {host: "mail.clinic.example", answers: [][]string{{}}, want: providers.FaultDNS},
		"no such host":            {host: "mail.clinic.example", err: &net.DNSError{IsNotFound: true}, want: providers.FaultNoSuchHost},
		"servfail":                {host: "mail.clinic.example", err: &net.DNSError{IsTemporary: true}, want: providers.FaultDNS},
		"not found, or perhaps":   {host: "mail.clinic.example", err: &net.DNSError{IsNotFound: true, IsTemporary: true}, want: providers.FaultDNS},
		"name server is silent":   {host: "mail.clinic.example", err: &net.DNSError{IsTimeout: true}, want: providers.FaultDNS},
		"not a name":              {host: "mail clinic\r\n", want: providers.FaultDNS},
		"no name":                 {host: "", want: providers.FaultDNS},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dial.New(dial.Config{Resolver: &names{answers: tt.answers, err: tt.err}})
			if err != nil {
				t.Fatal(err)
			}
			a := attempt(sim.Google(), providers.ImplicitTLS, secret)
			a.Endpoint.Host, a.Endpoint.Port = tt.host, port(l.Addr())
			c := d.Verify(t.Context(), a)
			if c.Fault != tt.want || c.CredentialSent {
				t.Errorf("fault %q (%s), want %q", c.Fault, c.Detail, tt.want)
			}
		})
	}
	if n := knocks.Load(); n != 0 {
		t.Errorf("%d knocks", n)
	}
}

// The name is asked for once, and what was checked is what is dialled.
func TestRebinding(t *testing.T) {
	l, knocks := listenerAt(t)
	n := &names{answers: [][]string{{"192.0.2.1"}, {"127.0.0.1"}}}
	d, err := dial.New(dial.Config{Resolver: n, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	a := attempt(sim.Google(), providers.ImplicitTLS, secret)
	a.Endpoint.Port = port(l.Addr())
	c := d.Verify(t.Context(), a)
	if c.RemoteAddr != netip.MustParseAddr("192.0.2.1") || n.asked.Load() != 1 || knocks.Load() != 0 {
		t.Errorf("%+v, asked %d times, %d knocks", c, n.asked.Load(), knocks.Load())
	}
}

func TestAllowPrivate(t *testing.T) {
	p := sim.Google()
	server, _, _ := play(t, p, sim.Mood{}, nil)
	d, err := dial.New(dial.Config{AllowPrivate: true, Resolver: &names{answers: [][]string{{"127.0.0.1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	a := attempt(p, providers.ImplicitTLS, secret)
	a.Endpoint.Port = int(netip.MustParseAddrPort(server.TLSAddr()).Port())
	if c := d.Verify(t.Context(), a); c.Fault != providers.FaultTLSUntrusted { // by the system's roots
		t.Errorf("%+v", c)
	}
}

// One address that refuses leaves the others; all that refuse are a fault of the connection.
func TestAddressesInTurn(t *testing.T) {
	p := sim.Google()
	dead, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("no second loopback address: ", err)
	}
	dead.Close()
	var r *names
	server, d, _ := play(t, p, sim.Mood{}, func(c *dial.Config) {
		r = &names{answers: [][]string{{"127.0.0.2", "127.0.0.1"}}}
		c.Resolver, c.AllowPrivate, c.ConnectTo = r, true, nil
	})
	a := attempt(p, providers.ImplicitTLS, secret)
	a.Endpoint.Port = int(netip.MustParseAddrPort(server.TLSAddr()).Port())
	if c := d.Verify(t.Context(), a); c.Reply.Code != 235 || c.RemoteAddr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%+v", c)
	}
	r.answers = [][]string{{"127.0.0.2", "127.0.0.3"}}
	if c := d.Verify(t.Context(), a); c.Fault != providers.FaultConnect {
		t.Errorf("%+v", c)
	}
}

func TestResetBeforeTheGreeting(t *testing.T) {
	p := sim.Google()
	_, d, _ := play(t, p, sim.Mood{At: map[sim.Step]sim.Act{sim.AtGreeting: sim.Reset()}}, nil)
	if c := d.Verify(t.Context(), attempt(p, providers.STARTTLS, secret)); c.Fault != providers.FaultConnect {
		t.Errorf("%+v", c)
	}
}

// The certificate is verified for the host that was asked for, not for where we were led.
func TestConnectToKeepsTheName(t *testing.T) {
	p := sim.Google()
	_, d, _ := play(t, p, sim.Mood{}, func(c *dial.Config) {
		c.ConnectTo["smtp.elsewhere.example:465"] = c.ConnectTo["smtp.gmail.com:465"]
	})
	a := attempt(p, providers.ImplicitTLS, secret)
	a.Endpoint.Host = "smtp.elsewhere.example"
	if c := d.Verify(t.Context(), a); c.Fault != providers.FaultTLSName || c.CredentialSent {
		t.Errorf("%+v", c)
	}
}

// socks is a SOCKS5 proxy of two dozen lines, RFC 1928: it notes where it is sent, and leads to target.
func socks(t *testing.T, target string, reply byte) (addr string, sent *atomic.Value) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sent = &atomic.Value{}
	var wg sync.WaitGroup
	serve := func(c net.Conn) {
		defer c.Close()
		buf := make([]byte, 300)
		io.ReadFull(c, buf[:2])
		io.ReadFull(c, buf[:buf[1]])
		c.Write([]byte{5, 0})
		io.ReadFull(c, buf[:4])
		switch buf[3] {
		case 1:
			io.ReadFull(c, buf[:6])
			sent.Store(fmt.Sprintf("%s:%d", netip.AddrFrom4([4]byte(buf[:4])), binary.BigEndian.Uint16(buf[4:])))
		default:
			sent.Store("not an IPv4 address")
		}
		c.Write([]byte{5, reply, 0, 1, 198, 51, 100, 9, 0, 9})
		if reply != 0 {
			return
		}
		out, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer out.Close()
		var both sync.WaitGroup
		both.Go(func() { io.Copy(out, c); out.Close() })
		io.Copy(c, out)
		c.Close()
		both.Wait()
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String(), sent
}

func TestProxy(t *testing.T) {
	p := sim.Google()
	a := attempt(p, providers.ImplicitTLS, secret)
	for _, tt := range []struct {
		name  string
		addr  string
		reply byte
		want  providers.Fault
	}{
		{"leads", "192.0.2.25", 0, providers.FaultNone},
		{"target refuses", "192.0.2.25", 5, providers.FaultConnect},
		{"target unreachable", "192.0.2.25", 4, providers.FaultConnect},
		{"fails itself", "192.0.2.25", 1, providers.FaultOurs},
		{"forbids", "192.0.2.25", 2, providers.FaultOurs},
		{"is not asked inside", "10.0.0.1", 0, providers.FaultAddressRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent *atomic.Value
			server, _, _ := play(t, p, sim.Mood{}, nil)
			_, d, _ := play(t, p, sim.Mood{}, func(c *dial.Config) {
				target := c.ConnectTo["smtp.gmail.com:465"]
				c.ConnectTo = nil
				c.Resolver = &names{answers: [][]string{{tt.addr}}}
				c.Proxy, sent = "", nil
				var at string
				at, sent = socks(t, target, tt.reply)
				c.Proxy = "socks5://" + at
			})
			_ = server
			c := d.Verify(t.Context(), a)
			if c.Fault != tt.want {
				t.Fatalf("fault %q (%s), want %q", c.Fault, c.Detail, tt.want)
			}
			if tt.want == providers.FaultAddressRefused {
				if sent.Load() != nil {
					t.Errorf("the proxy was asked for %v", sent.Load())
				}
				return
			}
			if sent.Load() != tt.addr+":465" {
				t.Errorf("the proxy was sent to %v", sent.Load())
			}
			if tt.want == providers.FaultNone && c.LocalAddr != netip.MustParseAddr("198.51.100.9") {
				t.Errorf("left by %s", c.LocalAddr)
			}
		})
	}
	t.Run("is down", func(t *testing.T) {
		d, err := dial.New(dial.Config{Proxy: "socks5://127.0.0.1:1", Resolver: &names{answers: [][]string{{"192.0.2.25"}}}})
		if err != nil {
			t.Fatal(err)
		}
		if c := d.Verify(t.Context(), a); c.Fault != providers.FaultOurs {
			t.Errorf("%+v", c)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]dial.Config{
		"timeout":           {Timeout: -1},
		"EHLO":              {EHLO: "a\r\nMAIL"},
		"proxy scheme":      {Proxy: "http://h:1"},
		"proxy port":        {Proxy: "socks5://user:hidden@h"},
		"connect to":        {ConnectTo: map[string]string{"a:1": "b"}},
		"connect from port": {ConnectTo: map[string]string{"a:x": "b:1"}},
	} {
		_, err := dial.New(cfg)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error holds the proxy's password", name)
		}
	}
}
