package dial

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailaudit/providers"
)

// Whatever a server claims to offer: names that can be mechanisms, each once.
func FuzzEHLO(f *testing.F) {
	f.Add("250-mail.example at your service\n250-STARTTLS\n250-AUTH LOGIN PLAIN\n250 AUTH=LOGIN XOAUTH2")
	f.Add("250 auth \x00plain\t=\t=PLAIN plain")
	f.Fuzz(func(t *testing.T, wire string) {
		o := parseEHLO(wire)
		for i, m := range o.mechanisms {
			name := string(m)
			if name == "" || !mechanismName(name) || name != strings.ToUpper(name) || slices.Contains(o.mechanisms[:i], m) {
				t.Fatalf("%q of %q", o.mechanisms, wire)
			}
		}
		if o.startTLS && !strings.Contains(strings.ToUpper(wire), "STARTTLS") {
			t.Fatalf("STARTTLS out of %q", wire)
		}
	})
}

// The error that a refused token brings, and any other challenge: what is kept can be printed and stored.
func FuzzErrorChallenge(f *testing.F) {
	f.Add([]byte(`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`))
	f.Add([]byte("{\"status\":\"\xff\x00\x1b[2J\"}"))
	f.Fuzz(func(t *testing.T, challenge []byte) {
		for _, m := range []providers.Mechanism{providers.XOAuth2, providers.OAuthBearer} {
			c := newTokenClient(m, "front@clinic.example", "fuzz-token-canary", providers.Endpoint{Host: "smtp.example.com", Port: 465})
			if _, err := c.Next(nil); err != nil {
				t.Fatal(err)
			}
			if answer, err := c.Next(challenge); err != nil || strings.Contains(string(answer), "canary") {
				t.Fatalf("%q, %v", answer, err)
			}
			r := c.errorChallenge()
			for _, text := range []string{r.Text, r.SASLError} {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\n") {
					t.Fatalf("%+q out of %q", text, challenge)
				}
			}
		}
	})
}
