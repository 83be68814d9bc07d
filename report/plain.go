package report

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Plain makes one line of text that came from outside: no control characters or escapes that a terminal
// would obey, no direction overrides that would disorder what follows.
func Plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// cells is how many columns a terminal gives the text.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut returns as much of the text's beginning as fits into n columns, at least one rune.
func Cut(text string, n int) string {
	used := 0
	for i, r := range text {
		if used += runeCells(r); used > n && i > 0 {
			return text[:i]
		}
	}
	return text
}

// pad fills or cuts text to n columns.
func pad(text string, n int) string {
	if cells(text) > n {
		text = Cut(text, n-1) + "…"
	}
	return text + strings.Repeat(" ", max(0, n-cells(text)))
}
