package providers

import (
	"errors"
	"net"
	"strconv"
)

// ErrNoEndpoint means that there is no host to ask: none is stored, and the provider is not known.
var ErrNoEndpoint = errors.New("no SMTP host is stored and the provider is not known")

const (
	portTLS        = 465 // RFC 8314 section 3.3
	portSubmission = 587 // RFC 6409
)

// Complete fills what the customer did not store with what the brand serves. Without a stored security port
// 465 is implicit TLS and every other port STARTTLS; without a port it is the one that the brand serves for
// that security, else the standard's. port 0 and security "" mean "not stored".
func (b *Brand) Complete(host string, port int, security Security) (Endpoint, error) {
	e := Endpoint{Host: CanonicalHost(host), Port: port, Security: security}
	if e.Host == "" {
		e.Host = b.Endpoint.Host
	}
	if e.Host == "" {
		return Endpoint{}, ErrNoEndpoint
	}
	switch {
	case e.Port == 0:
		e.Port, e.Security = b.served(e.Host, e.Security)
	case e.Security == "" && e.Port == portTLS:
		e.Security = ImplicitTLS
	case e.Security == "":
		e.Security = STARTTLS
	}
	return e, nil
}

// served returns the port and security that the brand serves on a host, preferring the host's own entry, then
// what the brand serves elsewhere.
func (b *Brand) served(host string, security Security) (int, Security) {
	known := append([]Endpoint{b.Endpoint}, b.Alternatives...)
	for _, own := range []bool{true, false} {
		for _, e := range known {
			if e.Port != 0 && (security == "" || e.Security == security) && (!own || e.Host == host) {
				return e.Port, e.Security
			}
		}
	}
	if security == ImplicitTLS {
		return portTLS, ImplicitTLS
	}
	return portSubmission, STARTTLS
}

// Address is the endpoint as "host:port".
func (e Endpoint) Address() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

func (e Endpoint) String() string { return e.Address() + " (" + string(e.Security) + ")" }
