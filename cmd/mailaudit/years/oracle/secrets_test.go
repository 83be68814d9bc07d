package oracle

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

func TestNoSecretIsInAnyOutput(t *testing.T) {
	const secret = "Own-Pass-17&3!"
	plain := func(s string) string { return "the password is " + s + ", he said" }
	forms := map[string]string{
		"as it is": plain(secret), "in a URL": "https://x/?p=" + url.QueryEscape(secret), "in hexadecimal": hex.EncodeToString([]byte("ab" + secret + "c")),
		"in AUTH PLAIN": base64.StdEncoding.EncodeToString([]byte("\x00maria@gmail.com\x00" + secret)),
		"shifted":       base64.StdEncoding.EncodeToString([]byte("\x00mari@gmail.com\x00" + secret + "\x00")),
		"shifted twice": base64.StdEncoding.EncodeToString([]byte("\x00mar@gmail.com\x00" + secret)),
	}
	for name, text := range forms {
		for where, what := range map[string]observe.What{
			"a mail": observe.Mail{Raw: []byte(text)}, "a message in Slack": observe.SlackCall{Text: text}, "standard output": observe.CommandEnded{ID: 1, Stdout: text},
			"standard error": observe.CommandEnded{ID: 1, Stderr: text}, "csv of one": observe.Shown{Form: "csv", Subject: "one", Body: []byte(text)},
			"the database": observe.Database{Notices: []observe.NoticeRow{{Detail: text}}},
		} {
			s := begin(t)
			seenBroken["secret"] = true
			s.see(observe.SecretIs{ID: "s-7", Text: secret})
			s.start("explain a-1")
			s.see(what)
			found := false
			for _, v := range s.found {
				if strings.Contains(v.Text, secret) {
					t.Errorf("the violation tells the secret")
				}
				found = found || v.Rule == "secret" && strings.Contains(v.Text, "s-7 stands in "+where)
			}
			if !found {
				t.Errorf("%s in %s: reported %v", name, where, s.found)
			}
		}
	}
}

func TestWhatOnlyLooksLikeASecretIsNone(t *testing.T) {
	s := begin(t)
	s.see(observe.SecretIs{ID: "s-7", Text: "abcdefghijklmnop"})
	s.see(observe.SecretIs{ID: "s-8", Text: "short"})
	s.start("explain a-1")
	s.see(observe.CommandEnded{ID: 1, Stdout: "abcdefghijklmno and short"})
	s.fine()
}
