package notice

import (
	"strings"
	"unicode"
	"unicode/utf8"
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

const nameAtMost = 80 // runes; longer names are cut

// personal makes a name that a customer typed fit for a mail, "" where it had better not appear: mail
// programs make links of what looks like one, and our mail must not carry another's.
func personal(name string) string {
	name = plain(name)
	if strings.ContainsRune(name, '@') || strings.Contains(name, "://") || strings.Contains(strings.ToLower(name), "www.") {
		return ""
	}
	if utf8.RuneCountInString(name) > nameAtMost {
		name = strings.TrimSpace(string([]rune(name)[:nameAtMost])) + "…"
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

// displayName makes a name fit for an address header. net/mail writes a backslash into encoded words, where
// it may not stand (RFC 2047 section 5).
func displayName(name string) string { return strings.ReplaceAll(personal(name), `\`, "") }

func rightToLeft(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
	})
}
