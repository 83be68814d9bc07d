package main

import (
	"net"
	"net/url"
	"strconv"
)

// PerSecond is the rate as a number a second.
func (r Rate) PerSecond() float64 {
	if r.Per == 0 {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// String is the relay's URL without user name and password.
func (r RelayURL) String() string {
	scheme := map[string]string{relayStartTLS: "smtp", relayTLS: "smtps", relayPlain: "smtp+insecure"}[r.Security]
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(r.Host, strconv.Itoa(r.Port))}).String()
}
