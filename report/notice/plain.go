package notice

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plain makes foreign text fit for one line: no controls, no direction marks, no line ends.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

const (
	nameAtMost  = 80 // runes; longer names are cut
	wordsAtMost = 4  // of a person's name
	digitsRow   = 7  // in a name: a telephone number
)

// personal makes a clinic's name that a customer typed fit for a mail, "" where it had better not appear: mail
// programs make links of what looks like one, and our mail must not carry another's address or number.
func personal(name string) string {
	name = plain(name)
	if leads(name) {
		return ""
	}
	if utf8.RuneCountInString(name) > nameAtMost {
		name = strings.TrimSpace(string([]rune(name)[:nameAtMost])) + "…"
	}
	return name
}

// leads reports whether a text holds what a reader could follow: an address, a link, a bare domain or a telephone number,
// in any width of letters.
func leads(text string) bool {
	text = strings.ToLower(norm.NFKC.String(text))
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits >= digitsRow || strings.ContainsRune(text, '@') || strings.Contains(text, "://") || strings.Contains(text, "www.") ||
		reDomain.MatchString(text)
}

// reDomain finds a dot, or what mail programs take for one, between letters: "clinic.example", and no "Dr. Lopez".
var reDomain = regexp.MustCompile(`[\p{L}\p{N}][.\x{3002}]\p{L}{2,}`)

// greetable makes a person's name fit for a greeting: letters and marks of at most a few words, with the hyphens,
// apostrophes and dots that names have. "" for anything else, which is no name.
func greetable(name string) string {
	name = personal(name)
	if len(strings.Fields(name)) > wordsAtMost {
		return ""
	}
	for i, r := range name {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r), r == ' ':
		case i > 0 && strings.ContainsRune("-'’.\u00b7\u30fb", r):
		default:
			return ""
		}
	}
	return name
}

// inSentence keeps the words around a name in their own order where the name runs from right to left, by
// isolates (Unicode UAX 9).
func inSentence(name string) string {
	if rightToLeft(name) {
		return "\u2068" + name + "\u2069"
	}
	return name
}

// displayName makes our own name fit for an address header. net/mail writes a backslash into encoded words, where
// it may not stand (RFC 2047 section 5).
func displayName(name string) string { return strings.ReplaceAll(personal(name), `\`, "") }

func rightToLeft(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
	})
}
