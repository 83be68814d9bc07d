package protocol

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

func TestScrub(t *testing.T) {
	const login, secret = "a@b.example", "Tr0ub4dor &3/+"
	b64 := base64.StdEncoding.EncodeToString
	s := NewScrubber(login, secret)
	for _, tt := range []struct{ name, wire, want string }{
		{"nothing in it", "535 5.7.8 Error: authentication failed", "535 5.7.8 Error: authentication failed"},
		{"as it stands", "535 no " + secret + "!", "535 no [secret]!"},
		{"twice", "535-" + secret + "\n535 " + secret, "535-[secret]\n535 [secret]"},
		{"other case", "535 " + strings.ToUpper(secret), "535 [secret]"},
		{"without its space", "535 Tr0ub4dor&3/+", "535 [secret]"},
		{"percent-encoded", "535 http://x/?p=" + url.QueryEscape(secret) + "&q", "535 http://x/?p=[secret]&q"},
		{"path-encoded", "535 /" + url.PathEscape(secret), "535 /[secret]"},
		{"hexadecimal", "535 " + hex.EncodeToString([]byte(secret)), "535 [secret]"},
		{"LOGIN", "535 " + b64([]byte(secret)), "535 [secret]"},
		{"PLAIN", "535 AUTH PLAIN " + b64([]byte("\x00"+login+"\x00"+secret)) + " refused", "535 AUTH PLAIN [secret] refused"},
		{"amid other base64", "535 " + b64([]byte("12"+secret+"345")), "535 [secret]"},
		{"in the URL alphabet", "535 " + base64.URLEncoding.EncodeToString([]byte("1"+secret)), "535 [secret]"},
		{"over two lines", "535-5.7.8 " + secret[:6] + "\n535 " + secret[6:], "535 5.7.8 [secret]"},
		{"spaced out", "535 T r 0 u b 4 d o r & 3 / +", "535 [secret]"},
		{"in a greeting", "220 " + secret + " ESMTP", "220 [secret] ESMTP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Clean(tt.wire); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A secret that is a word of the reply, or nearly nothing, must not make the reply unreadable.
func TestScrubLeavesRepliesReadable(t *testing.T) {
	const wire = "535-5.7.8 Username and Password not accepted. Is it 5?\n535 5.7.8 https://support.example/?p=a b"
	for secret, want := range map[string]string{
		"password":  wire,
		"Password":  wire,
		"":          wire,
		"ass":       wire,
		"accepted2": wire,
		"s3cret":    wire,
		"5":         "535 [secret]", // a mark in the midst of known words would tell which it was
	} {
		got := NewScrubber("a", secret).Clean(wire)
		if got != want {
			t.Errorf("secret %q: %q", secret, got)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("a@b", "Tr0ub4dor &3", "535 no ", " yes")
	f.Fuzz(func(t *testing.T, login, secret, before, after string) {
		known, ok := secretOf(secret)
		if f := fold(secret); !ok || known.short || said(f.whole) || len(strings.Fields(secret)) != 1 || strings.ContainsAny(secret, "\n\r[]") {
			return
		}
		if strings.Contains(Redacted, strings.ToLower(secret)) {
			return
		}
		got := NewScrubber(login, secret).Clean(before + secret + after)
		if strings.Contains(got, secret) {
			t.Errorf("still there: %q", got)
		}
	})
}
