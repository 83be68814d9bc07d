package dial

import (
	"net"
	"net/netip"
	"testing"
)

// seen is a connection with two ends' names.
type seen struct {
	net.Conn
	local net.Addr
}

func (s seen) LocalAddr() net.Addr { return s.local }

type bound struct {
	seen
	at net.Addr
}

func (b bound) BoundAddr() net.Addr { return b.at }

// named is an address that is known by its text alone.
type named string

func (named) Network() string  { return "tcp" }
func (n named) String() string { return string(n) }

// Through a proxy, what the mail server sees is what the proxy says, or unknown; our own end is not it.
func TestLeftBy(t *testing.T) {
	ours := seen{local: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}}
	for name, tt := range map[string]struct {
		conn    net.Conn
		proxied bool
		want    string
	}{
		"directly":                    {ours, false, "192.0.2.1"},
		"mapped":                      {seen{local: &net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1")}}, false, "192.0.2.1"},
		"a proxy that says":           {bound{ours, named("198.51.100.9:9")}, true, "198.51.100.9"},
		"a proxy that says mapped":    {bound{ours, named("[::ffff:198.51.100.9]:9")}, true, "198.51.100.9"},
		"a proxy that says nothing":   {bound{ours, nil}, true, ""},
		"a proxy that cannot say":     {ours, true, ""},
		"a proxy that says 0.0.0.0":   {bound{ours, named("0.0.0.0:0")}, true, ""},
		"a proxy that says ::":        {bound{ours, &net.TCPAddr{IP: net.IPv6unspecified}}, true, ""},
		"a proxy that says a name":    {bound{ours, named("proxy.example:9")}, true, ""},
		"an end without a name of it": {seen{local: named("@")}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := netip.ParseAddr(tt.want)
			if got := leftBy(tt.conn, tt.proxied); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
