package protocol

import (
	"strings"
	"testing"

	"mailaudit/providers"
)

// A server cannot have us work for hours: with a nonce that is right, too many iterations are refused before the first.
func TestScramWorkIsBounded(t *testing.T) {
	for work, refused := range map[string]bool{"4096": false, "1": false, "1000001": true, "2000000000": true, "99999999999999999999": true} {
		c, ok := Client(providers.ScramSHA256, "front@clinic.example", "canary-secret")
		if !ok {
			t.Fatal("SCRAM is not spoken")
		}
		_, first, err := c.Start()
		if err != nil {
			t.Fatal(err)
		}
		_, nonce, _ := strings.Cut(string(first), ",r=")
		answer, err := c.Next([]byte("r=" + nonce + "more,s=c2FsdA==,i=" + work))
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), work) {
			t.Errorf("%s iterations: %v", work, err)
		}
		if !refused && !strings.HasPrefix(string(answer), "c=biws,r="+nonce+"more,p=") {
			t.Errorf("%s iterations: %q", work, answer)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the secret is told: %v", err)
		}
	}
}
