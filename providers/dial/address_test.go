package dial

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"mailaudit/providers"
)

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"142.250.1.1": true, "1.1.1.1": true, "172.15.0.1": true, "100.128.0.1": true, "203.0.113.7": true,
		"2a00:1450:4001::6c": true, "::ffff:142.250.1.1": true, "64:ff9b::8efa:101": true, "2002:8efa:101::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "127.255.0.9": false,
		"169.254.169.254": false, "168.63.129.16": false, "168.63.129.15": true, "192.0.0.170": false, "198.19.255.255": false, "64:ff9b::a83f:8110": false, "172.16.0.1": false, "172.31.255.1": false, "192.168.1.1": false, "198.18.0.1": false,
		"224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "2a00::1%eth0": false, "fc00::1": false, "fd12::1": false,
		"fec0::1": false, "ff02::1": false, "100::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
		"::127.0.0.1": false, "::10.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b:1::a00:1": false,
		"2002:7f00:1::1": false, "2002:a00:1::1": false, "2001:0:5ef5:79fd::1": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address passes for a public one")
	}
}

// What the operator rules out is ruled out in every form of the address, and nothing else is.
func TestDenied(t *testing.T) {
	deny := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:7::/48")}
	for addr, want := range map[string]bool{
		"203.0.113.7": true, "::ffff:203.0.113.7": true, "64:ff9b::cb00:7107": true, "2002:cb00:7107::1": true, "2001:db8:7::25": true,
		"203.0.112.7": false, "64:ff9b::cb00:7007": false, "2001:db8:8::25": false, "1.1.1.1": false,
	} {
		if got := denied(deny, netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if denied(nil, netip.MustParseAddr("203.0.113.7")) {
		t.Error("nothing is ruled out, and yet it is")
	}
}

// A customer's port is dialled only where mail is handed in; an operator's own target always.
func TestPortsAndDeniedHostsAreNotDialled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	knocks := make(chan struct{}, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
			knocks <- struct{}{}
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, tt := range []struct {
		name   string
		cfg    Config
		dialed bool
	}{
		{"any port", Config{AllowPrivate: true}, true},
		{"a port of the list", Config{AllowPrivate: true, Ports: []int{25, port}}, true},
		{"another port", Config{AllowPrivate: true, Ports: []int{25, 465}}, false},
		{"a denied address", Config{AllowPrivate: true, Deny: loopback}, false},
		{"the operator's own target", Config{Ports: []int{25}, Deny: loopback, ConnectTo: map[string]string{
			net.JoinHostPort("127.0.0.1", strconv.Itoa(port)): l.Addr().String()}}, true},
	} {
		tt.cfg.Timeout = 5 * time.Second
		d, err := New(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := d.Verify(t.Context(), providers.Attempt{Login: "a", Secret: providers.NewSecret("canary-secret"), Mechanisms: []providers.Mechanism{providers.Plain},
			Endpoint: providers.Endpoint{Host: "127.0.0.1", Port: port, Security: providers.ImplicitTLS}})
		knocked := false
		select {
		case <-knocks:
			knocked = true
		case <-time.After(50 * time.Millisecond):
		}
		if knocked != tt.dialed || (c.Fault == providers.FaultAddressRefused) == tt.dialed {
			t.Errorf("%s: knocked %v, fault %s (%s)", tt.name, knocked, c.Fault, c.Detail)
		}
	}
}
