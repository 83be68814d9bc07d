package sim

import (
	"encoding/base64"
	"strings"

	"github.com/xdg-go/scram"
)

// scramIterations of the simulated servers; real ones ask for thousands.
const scramIterations = 64

// authScram plays SCRAM-SHA-256 and SCRAM-SHA-1 (RFC 5802, as RFC 4954 section 4 carries it). The password is the
// account's one that works; who proves another is refused in the final reply.
func (s *session) authScram(mood Mood, mechanism, initial string) error {
	hash := scram.SHA256
	if mechanism == "SCRAM-SHA-1" {
		hash = scram.SHA1
	}
	var login, secret string
	server, err := hash.NewServer(func(name string) (scram.StoredCredentials, error) {
		login, secret = name, s.server.opts.World.secretOf(name)
		client, err := hash.NewClientUnprepped(name, secret, "")
		if err != nil {
			return scram.StoredCredentials{}, err
		}
		return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of " + name, Iters: mood.scramIterations()})
	})
	if err != nil {
		return err
	}
	first := initial
	if first == "" || mood.PromptPlain {
		if first, err = s.ask(""); err != nil {
			return err
		}
	}
	conversation := server.NewConversation()
	said, err := conversation.Step(decode(first))
	if err != nil {
		return s.say("501 5.5.2 Cannot decode response")
	}
	proof, err := s.ask(said)
	if err != nil || proof == "*" {
		return err
	}
	said, err = conversation.Step(decode(proof))
	if err != nil || !conversation.Valid() {
		secret = "not the one" // whatever the persona says to a wrong one
	}
	if mood.ScramForged && conversation.Valid() {
		said = "v=" + base64.StdEncoding.EncodeToString([]byte("not the server that knows it"))
	}
	if conversation.Valid() || mood.ScramError {
		if answer, err := s.ask(said); err != nil || strings.TrimSpace(answer) == "*" {
			return err
		}
	}
	return s.answer(mood, login, secret, proof)
}

func (m Mood) scramIterations() int {
	if m.ScramWork > 0 {
		return m.ScramWork
	}
	return scramIterations
}
