package protocol

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"mailaudit/providers"
)

// form is one way to write a text.
type form struct {
	name  string
	write func(*rand.Rand, string) string
}

func each(s string, write func(i int, r rune) string) string {
	var b strings.Builder
	i := 0
	for _, r := range s {
		b.WriteString(write(i, r))
		i++
	}
	return b.String()
}

func someOf(r *rand.Rand, s string, write func(rune) string) string {
	all := r.IntN(2) == 0
	return each(s, func(_ int, c rune) string {
		if all || r.IntN(3) == 0 || strings.ContainsRune("&<>\"'\\%", c) {
			return write(c)
		}
		return string(c)
	})
}

func bytesOf(s string, write func(byte) string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(write(s[i]))
	}
	return b.String()
}

var forms = []form{
	{"as it stands", func(_ *rand.Rand, s string) string { return s }},
	{"upper case", func(_ *rand.Rand, s string) string { return strings.ToUpper(s) }},
	{"lower case", func(_ *rand.Rand, s string) string { return strings.ToLower(s) }},
	{"percent", func(r *rand.Rand, s string) string {
		if r.IntN(2) == 0 {
			return url.QueryEscape(s)
		}
		return bytesOf(s, func(b byte) string { return fmt.Sprintf("%%%02x", b) })
	}},
	{"entities", func(r *rand.Rand, s string) string {
		return someOf(r, s, func(c rune) string {
			if c == '&' && r.IntN(2) == 0 {
				return "&amp;"
			}
			return fmt.Sprintf([]string{"&#%d;", "&#x%x;", "&#x%X;", "&#%05d;"}[r.IntN(4)], c)
		})
	}},
	{"escapes of JSON", func(r *rand.Rand, s string) string {
		return someOf(r, s, func(c rune) string {
			if c > 0xffff {
				return string(c)
			}
			return fmt.Sprintf([]string{`\u%04x`, `\u%04X`}[r.IntN(2)], c)
		})
	}},
	{"escapes of programs", func(r *rand.Rand, s string) string {
		return bytesOf(s, func(b byte) string { return fmt.Sprintf([]string{`\x%02x`, `\%03o`, "=%02X"}[r.IntN(3)], b) })
	}},
	{"hexadecimal", func(r *rand.Rand, s string) string {
		return strings.TrimSpace(bytesOf(s, func(b byte) string { return fmt.Sprintf("%02x", b) + []string{"", " ", ":"}[0] }))
	}},
	{"spaced hexadecimal", func(_ *rand.Rand, s string) string {
		return bytesOf(s, func(b byte) string { return fmt.Sprintf("%02X ", b) })
	}},
	{"base64", func(r *rand.Rand, s string) string {
		text := strings.Repeat("x", r.IntN(3)) + s + strings.Repeat("y", r.IntN(3))
		return []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding}[r.IntN(3)].EncodeToString([]byte(text))
	}},
	{"base64 of PLAIN", func(_ *rand.Rand, s string) string {
		return base64.StdEncoding.EncodeToString([]byte("\x00a@b.example\x00" + s))
	}},
	{"base64 of upper case", func(_ *rand.Rand, s string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(s)))
	}},
	{"base32", func(_ *rand.Rand, s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) }},
	{"full width", func(_ *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string {
			if c > ' ' && c < 0x7f {
				c += 0xfee0
			}
			return string(c)
		})
	}},
	{"invisible signs", func(r *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string {
			return string(c) + string([]rune("\u200b\u00ad\u2060\ufeff\u200d\u034f\u3164")[r.IntN(7)])
		})
	}},
	{"spaced out", func(_ *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string { return string(c) + " " })
	}},
	{"with hyphens", func(_ *rand.Rand, s string) string {
		return each(s, func(_ int, c rune) string { return string(c) + "-" })
	}},
	{"over lines", func(r *rand.Rand, s string) string {
		return each(s, func(i int, c rune) string {
			if i > 0 && r.IntN(3) == 0 {
				return "\n535-" + []string{"", "5.7.8 "}[r.IntN(2)] + string(c)
			}
			return string(c)
		})
	}},
	{"parted by codes", func(_ *rand.Rand, s string) string {
		return each(s, func(i int, c rune) string {
			if i%4 == 3 {
				return string(c) + " (#5.7.8)"
			}
			return string(c)
		})
	}},
	{"parted by trailers", func(_ *rand.Rand, s string) string {
		return each(s, func(i int, c rune) string {
			if i%4 == 3 {
				return string(c) + " [a-b.c.d] "
			}
			return string(c)
		})
	}},
	{"8-bit", func(_ *rand.Rand, s string) string {
		if t, err := charmap.Windows1252.NewEncoder().String(s); err == nil {
			return t
		}
		return s
	}},
	{"UTF-8 read as Latin-1", func(_ *rand.Rand, s string) string {
		t, _ := charmap.ISO8859_1.NewDecoder().String(s)
		return t
	}},
	{"a part at the beginning", func(_ *rand.Rand, s string) string { return string([]rune(s)[:len([]rune(s))-1]) }},
	{"a part at the end", func(_ *rand.Rand, s string) string { return string([]rune(s)[1:]) }},
}

// Five thousand random secrets in random forms, and in forms of forms: nothing of them is in what is kept, and the code
// still is.
func TestNoFormOfASecretIsKept(t *testing.T) {
	r := rand.New(rand.NewPCG(4711, 1))
	plain := []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	signs := append([]rune("!&-_+/.,%$#<>\"'=?*\\"), plain...)
	accents := append([]rune("äöüßéèñÄÖÜçø"), signs...)
	for i := range 5000 {
		of := [][]rune{plain, signs, accents}[r.IntN(3)]
		secret := make([]rune, 8+r.IntN(17))
		for j := range secret {
			secret[j] = of[r.IntN(len(of))]
		}
		secret[0], secret[3] = plain[r.IntN(52)], plain[r.IntN(52)]
		first, second := forms[r.IntN(len(forms))], form{"", nil}
		if f := fold(string(secret)); first.name == "with hyphens" && len(f.bare) < part {
			continue // signs between signs: nobody can tell which are the secret's
		}
		said := first.write(r, string(secret))
		if r.IntN(3) == 0 {
			second = forms[3+r.IntN(3)]
			said = second.write(r, said)
			if first.name == "over lines" { // the line breaks of the form are its own no more
				continue
			}
		}
		wire := "535-5.7.8 Error: bad " + said + " at the end\n535 5.7.8 " + []string{"see our page", "Username and Password not accepted"}[r.IntN(2)]
		s := NewScrubber("a@b.example", string(secret))
		kept := s.Reply(providers.ParseReply(providers.StageAuth, s.Clean(wire)))
		evidence := kept.Evidence()
		if !strings.HasPrefix(evidence, "535") {
			t.Fatalf("%d, %s %s: the code is lost: %q", i, first.name, second.name, evidence)
		}
		if !strings.Contains(evidence, Redacted) && !strings.Contains(evidence, "***") {
			t.Errorf("%d, %s %s: %q is kept of %q (secret %q)", i, first.name, second.name, evidence, wire, string(secret))
		}
		if p := longestPart(evidence, string(secret)); p >= part {
			t.Errorf("%d, %s %s: %d signs of %q in %q", i, first.name, second.name, p, string(secret), evidence)
		}
	}
}

// longestPart is an oracle of its own: the longest run of the secret's signs in text, by plain comparison.
func longestPart(text, secret string) (longest int) {
	text = strings.ToLower(strings.ReplaceAll(text, " ", ""))
	runes := []rune(strings.ToLower(secret))
	for i := range runes {
		for j := i + 1; j <= len(runes); j++ {
			if strings.Contains(text, string(runes[i:j])) {
				longest = max(longest, j-i)
			}
		}
	}
	return longest
}

// What a short secret looks like where it is a word, in whatever form.
func TestShortSecretsInEveryForm(t *testing.T) {
	const secret = "Zq8kf"
	for _, f := range forms {
		if strings.HasPrefix(f.name, "a part") || strings.HasPrefix(f.name, "parted") || f.name == "with hyphens" || strings.HasPrefix(f.name, "base64") && f.name != "base64" {
			continue // letters of a few signs are no word any more
		}
		for seed := range uint64(20) {
			said := f.write(rand.New(rand.NewPCG(seed, 2)), secret)
			if f.name == "base64" {
				said = base64.StdEncoding.EncodeToString([]byte(secret))
			}
			s := NewScrubber("a@b.example", secret)
			if got := s.Reply(providers.ParseReply(providers.StageAuth, s.Clean("535 5.7.8 bad "+said))).Evidence(); !strings.Contains(got, Redacted) {
				t.Errorf("%s: %q is kept of %q", f.name, got, said)
				break
			}
		}
	}
}

// A mark stands for a whole word: what adjoins it is no part of the secret.
func TestMarksTellNoPart(t *testing.T) {
	s := NewScrubber("a@b.example", "Tr0ub4dor&3-Zebra")
	for wire, want := range map[string]string{
		"535 5.7.8 bad Tr0uTr0ub4dor&3-Zebra end":        "535 5.7.8 bad [secret] end",
		"535 5.7.8 bad Tr0ub4dor&3-ZebraZebra end":       "535 5.7.8 bad [secret] end",
		"535 5.7.8 bad Tr0ub4dor&3-Zebra and Tr0ub4 end": "535 5.7.8 [secret]",
		"535-5.7.8 bad Tr0ub4dor\n535 5.7.8 3-Zebra end": "535 5.7.8 [secret]",
		"535 5.7.8 bad TR0UB4":                           "535 5.7.8 [secret]",
		"535 5.7.8 bad r0ub4":                            "535 5.7.8 bad r0ub4", // five signs
	} {
		if got := s.Clean(wire); got != want {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
	}
}

// The replies that the rules were written for stay as they are, whoever's password shares a word with them.
func TestWordsOfRepliesAreNobodysSecret(t *testing.T) {
	const wire = "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials x - gsmtp"
	for _, secret := range []string{"Password2024", "accepted!", "username", "information", "not-accepted", "support1", "Google"} {
		if got := NewScrubber("a@b.example", secret).Clean(wire); got != wire {
			t.Errorf("%q: %q", secret, got)
		}
	}
	for _, secret := range []string{"BadCredentials", "usernameandpassword"} {
		got := NewScrubber("a@b.example", secret).Clean(wire)
		if !utf8.ValidString(got) || !strings.HasPrefix(got, "535") {
			t.Errorf("%q: %q", secret, got)
		}
	}
}

func FuzzHolds(f *testing.F) {
	f.Add("Tr0ub4dor &3", "535 \xe4%41&#x41;\\u0041=\n41 0x41 QUJDREVGR0g= 4142434445464748 65 66 67 68 69")
	f.Fuzz(func(t *testing.T, secret, text string) {
		s := NewScrubber("a@b.example", secret)
		if got := s.Clean(text); got != text && !strings.Contains(got, Redacted) {
			t.Errorf("%q became %q", text, got)
		}
		s.Reply(providers.ParseReply(providers.StageAuth, text))
	})
}

func BenchmarkScrub(b *testing.B) {
	const wire = "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-4362b4a1f6csm2917145e9.31 - gsmtp"
	const offer = "250-smtp.gmail.com at your service, [192.0.2.1]\n250-SIZE 35882577\n250-8BITMIME\n250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH\n250-ENHANCEDSTATUSCODES\n250-PIPELINING\n250-CHUNKING\n250 SMTPUTF8"
	b.ReportAllocs()
	for b.Loop() {
		s := NewScrubber("a@b.example", "abcdefghijklmnop")
		s.Clean("220 smtp.gmail.com ESMTP 5b1f17b1804b1-4362b4a1f6csm2917145e9.31 - gsmtp")
		s.Clean(offer)
		s.Reply(providers.ParseReply(providers.StageAuth, s.Clean(wire)))
		s.Clean(hex.EncodeToString([]byte("221 bye")))
	}
}
