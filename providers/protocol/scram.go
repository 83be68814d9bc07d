package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/xdg-go/scram"

	"mailaudit/providers"
)

// scramClient is SCRAM-SHA-256 (RFC 7677) or SCRAM-SHA-1 (RFC 5802) without channel binding. Few servers offer neither
// PLAIN nor LOGIN beside it, and only there it is used.
type scramClient struct {
	name          providers.Mechanism
	login, secret string
	conversation  *scram.ClientConversation
}

// maxIterations bounds the work that a server may ask for: about a second.
const maxIterations = 1_000_000

var reIterations = regexp.MustCompile(`(?:^|,)i=([0-9]+)`)

func (c *scramClient) Start() (mech string, ir []byte, err error) {
	hash := scram.SHA256
	if c.name == providers.ScramSHA1 {
		hash = scram.SHA1
	}
	client, err := hash.NewClient(c.login, c.secret, "")
	if err != nil { // letters that SASLprep prohibits: as they stand they may be what the server has
		client, err = hash.NewClientUnprepped(c.login, c.secret, "")
	}
	if err != nil {
		return "", nil, err
	}
	// Fewer iterations than RFC 5802 asks for protect a database, and over TLS nobody else: PLAIN would tell all.
	c.conversation = client.WithMinIterations(1).NewConversation()
	first, err := c.conversation.Step("")
	return string(c.name), []byte(first), err
}

func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	switch {
	case c.conversation.Done():
		return nil, ErrTooManyChallenges
	case len(challenge) == 0: // a server that overlooks the initial response and prompts for it
		_, first, err := c.Start()
		return first, err
	case bytes.HasPrefix(challenge, []byte("e=")):
		return []byte{}, nil // the refusal; the final reply follows
	}
	if m := reIterations.FindSubmatch(challenge); m != nil {
		if n, err := strconv.Atoi(string(m[1])); err != nil || n > maxIterations {
			return nil, errors.New("the server asks for more work than a sign-in is worth: " + string(m[1]) + " iterations")
		}
	}
	response, err := c.conversation.Step(string(challenge))
	if err != nil {
		return nil, fmt.Errorf("the server's part of %s is wrong: %w", c.name, err)
	}
	return []byte(response), nil
}
