package audit

import (
	"strings"

	"mailaudit/providers"
)

// authWords are the names that products store for the ways of signing in, as plainWord gives them.
var authWords = map[string]Auth{
	"": AuthPassword, "password": AuthPassword, "apppassword": AuthPassword, "plain": AuthPassword, "login": AuthPassword, "basic": AuthPassword,
	"oauth2": AuthOAuth2, "oauth": AuthOAuth2, "oauth20": AuthOAuth2, "xoauth2": AuthOAuth2, "xoauth": AuthOAuth2, "oauthbearer": AuthOAuth2,
}

// ReadAuth reads a stored word for the way of signing in. A word that is not known stays as it is, and is no way.
func ReadAuth(word string) Auth {
	if auth, known := authWords[plainWord(word)]; known {
		return auth
	}
	return Auth(word)
}

// ReadSecurity reads a stored word for how TLS begins; empty means by port, and no word means without TLS. A word that is
// not known stays as it is.
func ReadSecurity(word string, port int) providers.Security {
	switch plainWord(word) {
	case "", "none", "auto":
		return ""
	case "starttls", "explicit", "explicittls":
		return providers.STARTTLS
	case "tls":
		if port == 587 {
			return providers.STARTTLS // many programs call it TLS, and nothing speaks TLS from the start there
		}
		return providers.ImplicitTLS
	case "ssl", "ssltls", "tlsssl", "smtps", "implicit", "implicittls":
		return providers.ImplicitTLS
	}
	return providers.Security(word)
}

// plainWord drops case and what separates words.
func plainWord(word string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t-_/.", r) {
			return -1
		}
		return r
	}, strings.ToLower(word))
}
