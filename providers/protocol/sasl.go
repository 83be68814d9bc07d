package protocol

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"mailaudit/providers"
)

// Passwords are the mechanisms for passwords that we speak, best first. CRAM-MD5, DIGEST-MD5 and NTLM stay unspoken:
// they are broken, and who offers nothing else is rare.
var Passwords = []providers.Mechanism{providers.Plain, providers.Login, providers.ScramSHA256, providers.ScramSHA1}

// Client gives the client's side of a mechanism for passwords; ok is false for one that we do not speak. A response of
// Start that is nil waits for the server's first challenge.
func Client(m providers.Mechanism, login, secret string) (client sasl.Client, ok bool) {
	switch m {
	case providers.Plain:
		// The authorization identity stays empty: iCloud refuses one, and no other needs it.
		return &plainClient{Client: sasl.NewPlainClient("", login, secret)}, true
	case providers.Login:
		return &loginClient{answers: []string{login, secret}}, true
	case providers.ScramSHA256, providers.ScramSHA1:
		return &scramClient{name: m, login: login, secret: secret}, true
	}
	return nil, false
}

// Unspoken reports whether a server that offers these mechanisms takes passwords by such alone as we do not speak.
func Unspoken(offered []providers.Mechanism) bool {
	if slices.ContainsFunc(offered, func(m providers.Mechanism) bool { return slices.Contains(Passwords, m) }) {
		return false
	}
	return slices.ContainsFunc(offered, func(m providers.Mechanism) bool {
		return slices.ContainsFunc(forPasswords, func(family string) bool { return strings.HasPrefix(string(m), family) })
	})
}

// forPasswords are how the names of mechanisms begin that prove a password (IANA, SASL mechanisms).
var forPasswords = []string{"CRAM-", "DIGEST-", "SCRAM-", "NTLM", "GSS", "SRP", "SKEY", "OTP"}

// ErrTooManyChallenges: the exchange goes on where its mechanism ends.
var ErrTooManyChallenges = errors.New("the server asked for more than the mechanism has to say")

// plainClient is go-sasl's PLAIN, and bears a server that overlooks the initial response and prompts for it
// (Yahoo's prompt reads "Plain:").
type plainClient struct {
	sasl.Client
	prompted bool
}

func (p *plainClient) Next([]byte) ([]byte, error) {
	if p.prompted {
		return nil, ErrTooManyChallenges
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
		return nil, ErrTooManyChallenges
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}
