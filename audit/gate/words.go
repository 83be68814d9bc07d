package gate

import (
	"strings"

	"mailaudit/audit"
	"mailaudit/providers"
)

// auths are the words for a way of signing in that products are known to store (SASL mechanisms of Google and Microsoft,
// RFC 7628, libraries' options). "plain" and "login" are not among them: they name a mechanism, and products store refresh
// tokens beside them.
var auths = map[string]audit.Auth{
	"": audit.AuthPassword, "password": audit.AuthPassword, "app password": audit.AuthPassword,
	"oauth2": audit.AuthOAuth2, "oauth": audit.AuthOAuth2, "oauth 2": audit.AuthOAuth2, "oauth2.0": audit.AuthOAuth2, "oauth 2.0": audit.AuthOAuth2,
	"xoauth2": audit.AuthOAuth2, "oauthbearer": audit.AuthOAuth2,
}

// Auth reads a word of the column auth. ok is false where it is not known.
func Auth(word string) (a audit.Auth, ok bool) {
	a, ok = auths[folded(word)]
	return a, ok
}

// securities are the words for the protection of a connection. "none" means by port, as an empty word does: credentials
// never leave without verified TLS.
var securities = map[string]providers.Security{
	"": "", "none": "", "auto": "", "default": "",
	"tls": providers.ImplicitTLS, "ssl": providers.ImplicitTLS, "ssl/tls": providers.ImplicitTLS, "tls/ssl": providers.ImplicitTLS, "smtps": providers.ImplicitTLS, "implicit": providers.ImplicitTLS,
	"implicit tls": providers.ImplicitTLS,
	"starttls":     providers.STARTTLS, "start tls": providers.STARTTLS, "explicit": providers.STARTTLS, "explicit tls": providers.STARTTLS,
}

// submission is the port at which "tls" means STARTTLS (RFC 6409; implicit TLS has 465, RFC 8314).
const submission = 587

// Security reads a word of the column security, as it is meant at the port. ok is false where it is not known.
func Security(word string, port int) (s providers.Security, ok bool) {
	s, ok = securities[folded(word)]
	if s == providers.ImplicitTLS && port == submission {
		s = providers.STARTTLS
	}
	return s, ok
}

// folded is a word in lower case, its separators as one space.
func folded(word string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return r == ' ' || r == '_' || r == '-' || r == '\t' || r == '\u00a0' }), " ")
}

// placeholders are what exports and programs write for nothing.
var placeholders = map[string]bool{
	"null": true, "(null)": true, "<null>": true, "[null]": true, `\n`: true, "none": true, "nil": true, "undefined": true, "nan": true, "n/a": true, "#n/a": true,
	"#ref!": true, "#value!": true, "#name?": true, "dbnull": true, "not set": true, "unknown": true, "-": true, "--": true, "tbd": true, "todo": true, "changeme": true, "empty": true,
}

// Placeholder reports whether a value stands for none.
func Placeholder(value string) bool { return placeholders[strings.ToLower(strings.TrimSpace(value))] }
