package dial

import (
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// saslClient gives the client's side of a mechanism; ok is false for one that the attempt has no use for.
func saslClient(m providers.Mechanism, a providers.Attempt) (client sasl.Client, ok bool) {
	if a.Grant == nil {
		return protocol.Client(m, a.Login, a.Secret.Reveal())
	}
	// A token is never given as a password, nor a password as a token.
	if m == providers.XOAuth2 || m == providers.OAuthBearer {
		return newTokenClient(m, a.Login, a.Secret.Reveal(), a.Endpoint), true
	}
	return nil, false
}

// spoken reports whether a mechanism is one of ours, so that its name tells nothing.
func spoken(m providers.Mechanism) bool {
	return slices.Contains(protocol.Passwords, m) || m == providers.XOAuth2 || m == providers.OAuthBearer
}

// unsayable tells why a credential cannot go over the wire; "" if it can.
func unsayable(a providers.Attempt) string {
	switch {
	case a.Secret.Empty():
		return "there is no secret to send"
	case a.Login == "":
		return "there is no login name to send"
	case strings.ContainsRune(a.Login+a.Secret.Reveal(), 0):
		return "the login name or the secret holds a NUL byte" // PLAIN parts its fields by NUL, RFC 4616
	case a.Grant != nil && strings.ContainsRune(a.Login+a.Secret.Reveal(), 1):
		return "the login name or the token holds a control byte" // which parts the fields of XOAUTH2 and OAUTHBEARER
	}
	return ""
}
