package protocol

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"

	"mailaudit/providers"
)

const Redacted = "[secret]"

// Scrubber takes a secret out of what a server said. Where it stands whole in a plain form, the word that holds it is
// replaced. Where a part of it is left then, in any written form, nothing of the text is kept but its code: a server
// chooses the form, and a mark in the midst of known words would tell where the part stood.
type Scrubber struct {
	login  string
	known  []secret
	plain  []string // looked for without regard to case
	base64 []string // parts of the encodings that do not depend on what surrounds the secret

	mu       sync.Mutex // guards what follows
	text     folded     // of the view that is looked at
	squeezed []byte
}

func NewScrubber(login, secret string) *Scrubber {
	s := &Scrubber{login: login}
	s.Add(secret)
	return s
}

// Add has one more secret taken out.
func (s *Scrubber) Add(text string) {
	k, ok := secretOf(text)
	if !ok {
		return
	}
	s.known = append(s.known, k)
	if k.short {
		s.base64 = append(s.base64, base64.StdEncoding.EncodeToString([]byte("\x00"+s.login+"\x00"+text)))
		return
	}
	if ordinary(text) {
		return
	}
	squeezed := string(squeeze(nil, text))
	for _, form := range []string{text, squeezed, url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text))} {
		if form != "" && !slices.ContainsFunc(s.plain, func(p string) bool { return strings.EqualFold(p, form) }) {
			s.plain = append(s.plain, form)
		}
	}
	for shift := range 3 {
		core := base64Core(text, shift)
		s.base64 = append(s.base64, core)
		if other := forURLs.Replace(core); other != core {
			s.base64 = append(s.base64, other)
		}
	}
}

var forURLs = strings.NewReplacer("+", "-", "/", "_")

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

// Clean gives text, the lines of a reply or words for people, without the secret. What is done to the text afterwards
// may put parts together that were apart: the last form is to be cleaned, too.
func (s *Scrubber) Clean(text string) string {
	if !s.Holds(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head, rest := CutCode(line)
		lines[i] = head + s.cleanLine(rest)
	}
	cleaned := strings.Join(lines, "\n")
	if !s.Holds(cleaned) {
		return cleaned
	}
	head, rest := CutCode(lines[0])
	head = strings.Replace(head, "-", " ", 1)
	if enhanced := leadingEnhanced.FindString(rest); enhanced != "" && !s.Holds(enhanced) {
		head += strings.TrimLeft(enhanced, " ")
	}
	return head + Redacted
}

// Reply gives a reply that may be kept, in whatever form it is shown: the parts as they are, and put together as
// evidence and as the wording by which replies are counted.
func (s *Scrubber) Reply(r providers.Reply) providers.Reply {
	for _, part := range []*string{&r.Text, &r.SASLError, &r.OAuthError, &r.OAuthSuberror} {
		*part = s.Clean(*part)
	}
	if s.Holds(r.Evidence()) || s.Holds(r.Wording()) {
		r.Text, r.SASLError, r.OAuthError, r.OAuthSuberror, r.OAuthCodes = Redacted, "", "", "", nil
		if s.Holds(r.Evidence()) {
			r.Enhanced = ""
		}
	}
	return r
}

// Holds reports whether a part of the secret that is worth anything stands in text in any written form.
func (s *Scrubber) Holds(text string) bool {
	if text == "" || len(s.known) == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	views(text, s.decodesShort(), func(view string) bool {
		found = s.standsIn(view)
		return !found
	})
	return found
}

// standsIn looks at one view of a text.
func (s *Scrubber) standsIn(text string) bool {
	s.text.read(text)
	for i := range s.known {
		if s.known[i].in(&s.text) {
			return true
		}
	}
	s.squeezed = squeeze(s.squeezed[:0], text)
	squeezed := string(s.squeezed)
	for _, p := range s.base64 {
		if strings.Contains(squeezed, p) {
			return true
		}
	}
	return false
}

// decodesShort reports whether a word of four signs may be the base64 of a secret.
func (s *Scrubber) decodesShort() bool {
	return slices.ContainsFunc(s.known, func(k secret) bool { return k.short })
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
		line = redact(line, len(p), func(rest string) int { return indexFold(rest, p) }, wordy)
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
		for from > done && belongs(line[from-1]) {
			from--
		}
		for to < len(line) && belongs(line[to]) {
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

// wordy is a sign of a word: a part of the secret may adjoin the whole.
func wordy(b byte) bool { return letter(b) || digit(b) || b >= 0x80 }

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

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
