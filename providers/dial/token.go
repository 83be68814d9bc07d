package dial

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// tokenClient is XOAUTH2 (developers.google.com/workspace/gmail/imap/xoauth2-protocol) or OAUTHBEARER (RFC 7628).
//
// It sends its token in the second step, always: tokens of a thousand characters and more pass the length that
// servers bear in a command (Gmail answers 555 5.5.2, Dovecot 500 5.5.2), and an answer to a challenge may be
// 12,288 octets long (RFC 4954 section 4). A refusal comes as one more challenge, which holds the error in JSON;
// the final reply comes after an answer without content.
type tokenClient struct {
	name     providers.Mechanism
	message  string
	farewell []byte // the answer to the error challenge
	sent     bool
	refusal  string // the error challenge
}

func newTokenClient(m providers.Mechanism, login, token string, at providers.Endpoint) *tokenClient {
	bearer := "auth=Bearer " + token + "\x01\x01"
	if m == providers.XOAuth2 {
		return &tokenClient{name: m, message: "user=" + login + "\x01" + bearer, farewell: []byte{}}
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(login) // saslname, RFC 5801 section 4
	return &tokenClient{
		name:     m,
		message:  "n,a=" + name + ",\x01host=" + at.Host + "\x01port=" + strconv.Itoa(at.Port) + "\x01" + bearer,
		farewell: []byte{1}, // RFC 7628 section 3.2.3
	}
}

func (c *tokenClient) Start() (mech string, ir []byte, err error) { return string(c.name), nil, nil }

func (c *tokenClient) Next(challenge []byte) ([]byte, error) {
	switch {
	case !c.sent:
		c.sent = true
		return []byte(c.message), nil
	case c.refusal == "":
		c.refusal = string(challenge)
		return c.farewell, nil
	}
	return nil, protocol.ErrTooManyChallenges
}

// errorChallenge is the refusal that came as a challenge, as a reply; without SASLError if there was none.
func (c *tokenClient) errorChallenge() providers.Reply {
	if c.refusal == "" {
		return providers.Reply{}
	}
	return providers.ParseReply(providers.StageAuth, "334 "+base64.StdEncoding.EncodeToString([]byte(c.refusal)))
}

var _ sasl.Client = (*tokenClient)(nil)
