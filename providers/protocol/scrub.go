package protocol

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

const Redacted = "[secret]"

// shortSecret and below, a secret is looked for as a word of its own: as a part of other words it would
// be found in any reply.
const shortSecret = 5

// ordinaryWords of replies are not taken out even where they are somebody's password: the reply would no
// longer be understood, and the gap would tell the password that the word itself does not.
var ordinaryWords = []string{
	"access", "account", "authenticate", "authentication", "credentials", "disabled", "email", "error", "failed",
	"google", "invalid", "login", "mail", "mailbox", "microsoft", "outlook", "password", "please", "required",
	"secret", "server", "smtp", "user", "username", "yahoo",
}

// Scrubber takes a secret out of what a server said: as it stands, whatever the case; percent-encoded;
// in hexadecimal; in base64 at any alignment, which covers the responses of PLAIN and LOGIN; and broken
// over lines or spaces.
type Scrubber struct {
	login  string
	short  []string // looked for as whole words
	plain  []string // looked for without regard to case
	base64 []string // parts of the encodings that do not depend on what surrounds the secret
	buf    []byte
}

func NewScrubber(login, secret string) *Scrubber {
	s := &Scrubber{login: login}
	s.Add(secret)
	return s
}

// Add has one more secret taken out.
func (s *Scrubber) Add(secret string) {
	if secret == "" {
		return
	}
	ordinary := slices.Contains(ordinaryWords, strings.ToLower(secret))
	squeezed := string(squeeze(nil, secret))
	if len(squeezed) <= shortSecret {
		if !ordinary {
			s.short = append(s.short, secret)
		}
		s.base64 = append(s.base64, base64.StdEncoding.EncodeToString([]byte("\x00"+s.login+"\x00"+secret)))
		return
	}
	if !ordinary {
		s.plain = append(s.plain, secret)
	}
	for _, form := range []string{squeezed, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret))} {
		if !strings.EqualFold(form, secret) && !slices.Contains(s.plain, form) {
			s.plain = append(s.plain, form)
		}
	}
	for shift := range 3 {
		core := base64Core(secret, shift)
		s.base64 = append(s.base64, core)
		if other := strings.NewReplacer("+", "-", "/", "_").Replace(core); other != core {
			s.base64 = append(s.base64, other)
		}
	}
}

// base64Core encodes secret as it stands after shift other bytes, and leaves out the first and last
// characters, which hold bits of the neighbours.
func base64Core(secret string, shift int) string {
	enc := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
	enc = enc[[]int{0, 2, 3}[shift]:]
	if (shift+len(secret))%3 != 0 {
		enc = enc[:len(enc)-1]
	}
	return enc
}

// Clean gives text, the lines of a reply or words for people, without the secret.
func (s *Scrubber) Clean(text string) string {
	if !s.holds(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head, rest := CutCode(line)
		lines[i] = head + s.cleanLine(rest)
	}
	cleaned := strings.Join(lines, "\n")
	if s.holds(cleaned) { // broken over lines or spaces: nothing of it is kept but the code
		head, _ := CutCode(lines[0])
		return strings.Replace(head, "-", " ", 1) + Redacted
	}
	return cleaned
}

// holds looks through text with its codes and white space taken out, so that no line break hides a
// secret.
func (s *Scrubber) holds(text string) bool {
	for _, word := range s.short {
		if wordAt(text, word) >= 0 {
			return true
		}
	}
	s.buf = s.buf[:0]
	for line := range strings.SplitSeq(text, "\n") {
		_, rest := CutCode(line)
		s.buf = squeeze(s.buf, rest)
	}
	squeezed := string(s.buf)
	for _, p := range s.plain {
		if indexFold(squeezed, p) >= 0 {
			return true
		}
	}
	for _, p := range s.base64 {
		if strings.Contains(squeezed, p) {
			return true
		}
	}
	return false
}

// squeeze adds text to buf without its white space and control characters.
func squeeze(buf []byte, text string) []byte {
	for i := range len(text) {
		if text[i] > ' ' {
			buf = append(buf, text[i])
		}
	}
	return buf
}

func (s *Scrubber) cleanLine(line string) string {
	for _, p := range s.base64 {
		line = redact(line, len(p), func(rest string) int { return strings.Index(rest, p) }, base64Char)
	}
	for _, p := range s.plain {
		line = redact(line, len(p), func(rest string) int { return indexFold(rest, p) }, nil)
	}
	for _, word := range s.short {
		line = redact(line, len(word), func(rest string) int { return wordAt(rest, word) }, nil)
	}
	return line
}

// redact replaces what find finds, size bytes at a time and with it the neighbours that belong to it. It
// goes on behind each replacement, which may itself look like a secret.
func redact(line string, size int, find func(string) int, belongs func(byte) bool) string {
	done := 0
	for {
		i := find(line[done:])
		if i < 0 {
			return line
		}
		from, to := done+i, done+i+size
		for belongs != nil && from > done && belongs(line[from-1]) {
			from--
		}
		for belongs != nil && to < len(line) && belongs(line[to]) {
			to++
		}
		line = line[:from] + Redacted + line[to:]
		done = from + len(Redacted)
	}
}

// CutCode parts a reply line's code and separator from its text.
func CutCode(line string) (head, rest string) {
	if _, _, ok := parseCode([]byte(line)); ok && len(line) > 3 {
		return line[:4], line[4:]
	}
	return "", line
}

func base64Char(b byte) bool {
	return letter(b) || digit(b) || b == '+' || b == '/' || b == '-' || b == '_' || b == '='
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// wordAt finds word in text where no letter or digit adjoins it.
func wordAt(text, word string) int {
	wordy := func(i int) bool { return i >= 0 && i < len(text) && (letter(text[i]) || digit(text[i])) }
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if !wordy(i-1) && !wordy(i+len(word)) {
			return i
		}
		from = i + 1
	}
}

// indexFold is strings.Index without regard to the case of ASCII letters.
func indexFold(text, part string) int {
	for i := 0; i+len(part) <= len(text); i++ {
		if lower(text[i]) == lower(part[0]) && strings.EqualFold(text[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
