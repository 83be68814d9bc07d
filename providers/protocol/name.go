package protocol

import (
	"net"
	"os"
	"strings"
)

// HostName is the name that this machine greets with, if it has a full one: with a dot in it. Servers refuse
// "localhost", and names that cannot be looked up.
func HostName() (name string, full bool) {
	name, err := os.Hostname()
	return name, err == nil && strings.Contains(name, ".")
}

// AddressLiteral is what to greet with in a name's place (RFC 5321 section 4.1.3): the address we leave by.
func AddressLiteral(local net.Addr) string {
	host, _, err := net.SplitHostPort(local.String())
	if err != nil {
		return "[127.0.0.1]"
	}
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
		return "[IPv6:" + host + "]"
	}
	return "[" + host + "]"
}
