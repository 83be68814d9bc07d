package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"mailaudit/providers"
)

// The kinds of Database.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
)

// Database is where rows live; the zero value is "not given". A PostgreSQL URL often carries a password.
type Database struct {
	Kind string           // SQLite or PostgreSQL
	Path string           // of the SQLite file
	URL  providers.Secret // of PostgreSQL
}

func (d *Database) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*d = Database{}
		return nil
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "sqlite":
		if rest == "" || strings.HasPrefix(rest, "//") {
			return errors.New("does not name a file; write sqlite:PATH")
		}
		*d = Database{Kind: SQLite, Path: rest}
		return nil
	case "postgres", "postgresql":
		// The parser's error would repeat the URL with its password.
		u, err := url.Parse(s)
		if err != nil || !strings.HasPrefix(rest, "//") {
			return errors.New("is not a PostgreSQL URL such as postgres://user@host:5432/name (in a password, write signs like # and / percent-encoded)")
		}
		if u.Host == "" && u.Query().Get("host") == "" {
			return errors.New("names no PostgreSQL host")
		}
		*d = Database{Kind: PostgreSQL, URL: providers.NewSecret(s)}
		return nil
	}
	return errors.New("is neither sqlite:PATH nor postgres://user@host:5432/name")
}

// HostMap sends a connection meant for "host:port" to another "host:port".
type HostMap map[string]string

// splitHostPort parts "host:port", with a port from 1 to 65535 and a host that is not empty.
func splitHostPort(text string) (host string, port int, ok bool) {
	host, p, err := net.SplitHostPort(text)
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		return "", 0, false
	}
	n, err := strconv.ParseUint(p, 10, 16)
	return host, int(n), err == nil && n > 0
}

// The ways in which RelayURL protects the connection.
const (
	RelayStartTLS = "starttls" // refused where the relay offers none
	RelayTLS      = "tls"
	RelayPlain    = "plain"
)

// RelayURL is the relay's place; the zero value is "not given".
type RelayURL struct {
	Security string // RelayStartTLS, RelayTLS or RelayPlain
	Host     string
	Port     int
	userinfo *url.Userinfo
}

func (r *RelayURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = RelayURL{}
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil {
		return errors.New("is not a URL (a password with signs like # and / goes under relay.password)")
	}
	var parsed RelayURL
	switch u.Scheme {
	case "smtp":
		parsed = RelayURL{Security: RelayStartTLS, Port: 587}
	case "smtps":
		parsed = RelayURL{Security: RelayTLS, Port: 465}
	case "smtp+insecure":
		parsed = RelayURL{Security: RelayPlain, Port: 25}
	default:
		return errors.New("is not smtp://host:587, smtps://host:465 or smtp+insecure://host:25")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return errors.New("has something after host and port (a password with signs like # and / goes under relay.password)")
	}
	if parsed.Host = u.Hostname(); parsed.Host == "" {
		return errors.New("names no host")
	}
	if u.Port() != "" {
		_, port, ok := splitHostPort(u.Host)
		if !ok {
			return errors.New("has a port that is not between 1 and 65535")
		}
		parsed.Port = port
	}
	parsed.userinfo = u.User
	*r = parsed
	return nil
}

// Given reports whether there is a relay.
func (r RelayURL) Given() bool { return r.Host != "" }

// urlRule says which web addresses a key takes.
type urlRule int

const (
	anyWeb         urlRule = iota // http or https, no password in it: it is shown to people
	webWithSecret                 // http or https, never shown
	httpsOrLocal                  // https; http to loopback alone
	httpsAndNoHTTP                // https alone
)

// checkURL returns a predicate, as UnmarshalText does.
func checkURL(text string, rule urlRule) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("is not a URL such as https://host/path")
	}
	if rule == anyWeb && u.User != nil {
		return errors.New("has a user name in it; this address is shown to people")
	}
	if u.Scheme == "http" {
		switch {
		case rule == httpsAndNoHTTP:
			return errors.New("is not https; plain http is for loopback alone, with network.allow_private")
		case rule == httpsOrLocal && !isLoopback(u.Hostname()):
			return errors.New("is not https; plain http is for loopback alone")
		}
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkProxy returns a predicate.
func checkProxy(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "socks5" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("is not socks5://host:port")
	}
	if _, _, ok := splitHostPort(u.Host); !ok {
		return fmt.Errorf("is not socks5://host:port")
	}
	return nil
}
