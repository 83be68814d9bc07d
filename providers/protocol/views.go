package protocol

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	maxViews  = 64        // of one text
	maxViewed = 128 << 10 // bytes in all of them
	readable  = part      // signs in a row, from which what was decoded may be text
	maxDepth  = 4         // of what is written in a form of a form
)

var (
	leadingEnhanced = regexp.MustCompile(`^\s*[245]\.[0-9]{1,3}\.[0-9]{1,3} `)
	reEscape        = regexp.MustCompile(`(?:%|\\[xX]|0[xX])([0-9a-fA-F]{2})|=([0-9A-F]{2})|(?:\\[uU]|%[uU]|[uU]\+)([0-9a-fA-F]{4})|\\[uUxX]\{([0-9a-fA-F]{1,6})\}|\\([0-3][0-7]{2})|\\(.)|=\r?\n`)
	reNoHex         = regexp.MustCompile(`(?i)\\x|0x|[^0-9a-f]`)
)

// views gives a text as it stands and in each reading that undoes a written form, until look returns false. short
// has words of a few signs read, too.
func views(text string, short bool, look func(string) bool) {
	type view struct {
		text  string
		depth int
	}
	if !look(text) {
		return
	}
	var queue []view
	seen := map[string]bool{text: true, "": true}
	size := len(text)
	add := func(t string, depth int) {
		if !seen[t] && len(seen) < maxViews && size < maxViewed {
			seen[t] = true
			size += len(t)
			queue = append(queue, view{t, depth})
		}
	}
	v := view{text, 0}
	for {
		if v.depth == 0 {
			// The usual ones first, so that no flood of readings hides them.
			joined := withoutBreaks(text)
			add(joined, 1)
			for _, t := range [...]string{text, joined} {
				for range maxDepth {
					if t = unescaped(t); seen[t] {
						break
					}
					add(t, 1)
				}
			}
		}
		if v.depth < maxDepth {
			readings(v.text, short, func(t string) { add(t, v.depth+1) })
		}
		if len(queue) == 0 {
			return
		}
		v, queue = queue[0], queue[1:]
		if !look(v.text) {
			return
		}
	}
}

// withoutBreaks joins the lines of a reply where a word is broken over them.
func withoutBreaks(text string) string {
	if !strings.Contains(text, "\n") {
		return text
	}
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		_, rest := CutCode(line)
		b.WriteString(rest)
	}
	return b.String()
}

// readings hands on what a text says where one form is undone.
func readings(text string, short bool, add func(string)) {
	add(withoutLeftOut(text))
	add(unescaped(text))
	charsets(text, add)
	for run := range runs(text, func(c byte) bool { return hexDigit(c) || strings.IndexByte(" \n\t:,;-\\xX", c) >= 0 }) {
		fromHex(run, short, add)
	}
	for run := range runs(text, func(c byte) bool { return digit(c) || strings.IndexByte(" \n\t,;", c) >= 0 }) {
		add(fromDecimals(run))
	}
	for run := range runs(text, base64Char) {
		fromBase64(run, short, add)
	}
	for run := range runs(text, func(c byte) bool { return letter(c) || c >= '2' && c <= '7' }) {
		fromBase32(run, short, add)
	}
}

// runs gives the longest pieces of text whose bytes all belong, from four on.
func runs(text string, belongs func(byte) bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for from := 0; from < len(text); {
			to := from
			for to < len(text) && belongs(text[to]) {
				to++
			}
			if to-from >= 4 && !yield(text[from:to]) {
				return
			}
			from = to + 1
		}
	}
}

// withoutLeftOut is a text without what is left out of a reply before it is kept: its codes within, and what servers
// hang on in brackets.
func withoutLeftOut(text string) string {
	var out strings.Builder
	from := 0
	for i := 0; i < len(text); i++ {
		n := 0
		switch c := text[i]; {
		case c == '[':
			if n = strings.IndexAny(text[i:], "]\n") + 1; n == 0 {
				n = len(text) - i
			}
		case i > 0 && wordy(text[i-1]):
		case c == '(' || c == '#' || c >= '2' && c <= '5':
			n = codeAt(text[i:])
		}
		if n > 0 {
			out.WriteString(text[from:i])
			from = i + n
			i = from - 1
		}
	}
	if from == 0 {
		return text
	}
	return out.String() + text[from:]
}

// codeAt is the length of a code that text begins with: "5.7.8", "(#5.7.8)", "535-", "535 ".
func codeAt(text string) int {
	at := 0
	for at < len(text) && at < 2 && (text[at] == '(' || text[at] == '#') {
		at++
	}
	dots, begun := 0, at
	for ; at < len(text) && (digit(text[at]) || text[at] == '.'); at++ {
		if text[at] == '.' {
			dots++
		}
	}
	switch {
	case dots == 2 && at-begun >= 5 && at-begun <= 9:
		if at < len(text) && text[at] == ')' {
			at++
		}
		return at
	case dots == 0 && begun == 0 && at == 3 && at < len(text) && (text[at] == ' ' || text[at] == '-'):
		return at + 1
	}
	return 0
}

// hasEscapes reports whether there is anything to undo, for most replies have nothing.
func hasEscapes(text string) bool {
	for i := 0; i+1 < len(text); i++ {
		switch c, next := text[i], text[i+1]; {
		case c == '\\', c == '=' && (next == '\r' || next == '\n'),
			c == '&' && (next == '#' || letter(next)),
			c == '%' && (hexDigit(next) || next == 'u' || next == 'U'),
			c == '=' && i+2 < len(text) && hexDigit(next) && hexDigit(text[i+2]) && next < 'a' && text[i+2] < 'a',
			c == '0' && (next == 'x' || next == 'X'), next == '+' && (c == 'u' || c == 'U'):
			return true
		}
	}
	return false
}

// unescaped undoes percent signs, entities, and the escapes of JSON, programs and mails.
func unescaped(text string) string {
	if !hasEscapes(text) {
		return text
	}
	text = html.UnescapeString(text)
	return reEscape.ReplaceAllStringFunc(text, func(m string) string {
		g := reEscape.FindStringSubmatch(m)
		switch {
		case g[1]+g[2] != "":
			n, _ := strconv.ParseUint(g[1]+g[2], 16, 8)
			return string([]byte{byte(n)})
		case g[3]+g[4] != "":
			n, _ := strconv.ParseUint(g[3]+g[4], 16, 32)
			return string(rune(n))
		case g[5] != "":
			n, _ := strconv.ParseUint(g[5], 8, 8)
			return string([]byte{byte(n)})
		}
		return g[6] // nothing for a soft line break
	})
}

// charsets reads the bytes in other character sets than they came in.
func charsets(text string, add func(string)) {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return
	}
	if !utf8.ValidString(text) {
		if t, err := charmap.Windows1252.NewDecoder().String(text); err == nil {
			add(t)
		}
		if t, err := simplifiedchinese.GBK.NewDecoder().String(text); err == nil {
			add(t)
		}
		return
	}
	// Read wrongly already: the bytes again.
	if raw, err := charmap.Windows1252.NewEncoder().String(text); err == nil {
		add(raw)
	}
	if raw, err := charmap.ISO8859_1.NewEncoder().String(text); err == nil {
		add(raw)
	}
	if raw, err := simplifiedchinese.GBK.NewEncoder().String(text); err == nil {
		add(raw)
	}
}

func hexDigit(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func fromHex(run string, short bool, add func(string)) {
	least := 2 * part
	if short {
		least = 4
	}
	if len(run) < least || !strings.ContainsAny(run, "0123456789") {
		return
	}
	digits := reNoHex.ReplaceAllString(run, "")
	for offset := range 2 {
		if len(digits)-offset >= least {
			raw, err := hex.DecodeString(digits[offset : offset+(len(digits)-offset)&^1])
			likely(raw, err, short, add)
		}
	}
}

func fromDecimals(run string) string {
	all := strings.FieldsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
	if len(all) < 4 {
		return ""
	}
	raw := make([]byte, 0, len(all))
	for _, d := range all {
		n, err := strconv.ParseUint(d, 10, 8)
		if err != nil {
			return ""
		}
		raw = append(raw, byte(n))
	}
	return string(raw)
}

// fromBase64 decodes a word that is likely to be base64, at each alignment.
func fromBase64(run string, short bool, add func(string)) {
	run = strings.Trim(run, "=")
	if len(run) < 8 && !short || len(run) < 4 || !mixed(run) && !short {
		return
	}
	run = standard.Replace(run)
	for offset := range min(4, len(run)) {
		of := run[offset:]
		if len(of)%4 == 1 {
			of = of[:len(of)-1]
		}
		raw, err := base64.RawStdEncoding.DecodeString(of)
		likely(raw, err, short, add)
	}
}

// standard is the alphabet of base64 in use before the URL's.
var standard = strings.NewReplacer("-", "+", "_", "/", "=", "")

func fromBase32(run string, short bool, add func(string)) {
	if len(run) < 8 || !mixed(run) && strings.ToUpper(run) != run {
		return
	}
	for _, cut := range [...]int{len(run), len(run) - 1} {
		if rest := cut % 8; rest == 1 || rest == 3 || rest == 6 {
			continue
		}
		raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(run[:cut]))
		likely(raw, err, short, add)
	}
}

// likely hands on what was decoded if people could read it: a secret is made to be typed.
func likely(raw []byte, err error, short bool, add func(string)) {
	least := readable
	if short {
		least = 2
	}
	if err != nil {
		return
	}
	run, ascii := 0, 0
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		i += n
		switch {
		case r == 0: // every other byte in UTF-16
			continue
		case r == utf8.RuneError && raw[i-1] < 0xa0, unicode.IsControl(r):
			run, ascii = 0, 0
			continue
		case r < 0x80:
			ascii++
		}
		if run++; run >= least && 3*ascii >= 2*run {
			add(string(raw))
			return
		}
	}
}

// mixed reports whether a word is written as nobody writes words: with digits, or capitals behind its first letter.
func mixed(word string) bool {
	rest := word[1:]
	return strings.ContainsAny(word, "0123456789+/") || strings.ToLower(rest) != rest && strings.ToUpper(word) != word
}
