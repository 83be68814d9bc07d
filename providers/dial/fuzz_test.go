package dial

import (
	"strings"
	"testing"
	"unicode/utf8"

	"mailaudit/providers"
)

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

// Whatever a token endpoint calls a success: what is taken for a token can be sent and stored, and a page holds none.
func FuzzIssued(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","refresh_token":"r","expires_in":3599.0}`, "\xef\xbb\xbf[{\"data\":\"{\\\"access_token\\\":1}\"}]",
		"access_token=a&refresh_token=%72", "\xff\xfe{\x00}\x00", "\x1f\x8b", `{"refresh_token":"r","x":`, "<html>access_token=a",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		i := readIssued(body)
		for _, token := range []string{i.access, i.refresh} {
			if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
				t.Fatalf("%+q out of %q", token, body)
			}
		}
		if i != readIssued(body) {
			t.Fatalf("two readings of %q", body)
		}
		if strings.HasPrefix(string(body), "<") && i != (issued{}) {
			t.Fatalf("%+v out of a page", i)
		}
	})
}
