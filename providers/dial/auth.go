package dial

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"

	"mailaudit/providers"
)

// saslClient gives the client's side of a mechanism; ok is false for one that we do not speak. Any
// sasl.Client will do: a nil response of Start waits for the server's first challenge.
func saslClient(m providers.Mechanism, a providers.Attempt) (client sasl.Client, ok bool) {
	login, secret := a.Login, a.Secret.Reveal()
	if a.Grant != nil { // a token is never given as a password, nor a password as a token
		if m == providers.XOAuth2 || m == providers.OAuthBearer {
			return newTokenClient(m, login, secret, a.Endpoint), true
		}
		return nil, false
	}
	switch m {
	case providers.Plain:
		// The authorization identity stays empty: iCloud refuses one, and no other needs it.
		return &plainClient{Client: sasl.NewPlainClient("", login, secret)}, true
	case providers.Login:
		return &loginClient{answers: []string{login, secret}}, true
	}
	return nil, false
}

var errTooManyChallenges = errors.New("the server asked for more than the mechanism has to say")

// plainClient is go-sasl's PLAIN, and bears a server that overlooks the initial response and prompts for it
// (Yahoo's prompt reads "Plain:").
type plainClient struct {
	sasl.Client
	prompted bool
}

func (p *plainClient) Next([]byte) ([]byte, error) {
	if p.prompted {
		return nil, errTooManyChallenges
	}
	p.prompted = true
	_, response, err := p.Start()
	return response, err
}

// loginClient is LOGIN (draft-murchison-sasl-login). go-sasl's own sends the user name with the command and
// insists on one wording of the second prompt; servers differ in both.
type loginClient struct {
	answers []string
}

func (l *loginClient) Start() (mech string, ir []byte, err error) { return sasl.Login, nil, nil }

func (l *loginClient) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, errTooManyChallenges
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
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
