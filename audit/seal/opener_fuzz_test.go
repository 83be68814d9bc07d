package seal

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FuzzAnswers reads whatever an opener writes: a secret comes of a whole answer about the account that was asked for,
// and anything else is one line that shows nothing of the secret.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"account_id": "4711", "secret": "b3BlbmVk"}` + "\n"))
	f.Add([]byte(`{"account_id": "4711", "error": "no key for c2VhbGVkLWNhbmFyeQ==\u001b[2J\r\n"}` + "\n"))
	f.Add([]byte(`{"account_id": "4712", "secret": "b3BlbmVk"}` + "\n" + `{"account_id": "4711", "secret": "b3Bl`))
	f.Add([]byte("\n[1,2,3]\n{\"account_id\": null}\n"))
	f.Add([]byte(`{"account_id": "4711", "secret": "not base64", "error": null}` + "\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		p := &pending{over: make(chan struct{})}
		s := &session{pending: map[string]*pending{"4711": p}, answered: func() {}}
		lines := bufio.NewScanner(bytes.NewReader(said))
		lines.Buffer(nil, maxAnswer)
		lines.Split(wholeLines)
		for lines.Scan() {
			if err := s.take(lines.Bytes()); err != nil {
				if err != errGarbage && err != errStray {
					t.Fatalf("%v", err)
				}
				break
			}
		}
		select {
		case <-p.over:
		default:
			return // not answered, and so asked again or given up
		}
		secret, err := opened(p.reply)
		switch {
		case err == nil && (p.reply.Secret == nil || p.reply.Error != nil):
			t.Fatalf("a secret of %d bytes out of %q", len(secret.Reveal()), said)
		case err != nil && (!secret.Empty() || strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 500):
			t.Fatalf("%q", err)
		case errors.Is(err, ErrRefused) && (strings.Contains(err.Error(), "sealed-canary") || strings.Contains(err.Error(), "c2VhbGVkLWNhbmFyeQ")):
			t.Fatalf("what is stored is shown: %q", err)
		}
	})
}
