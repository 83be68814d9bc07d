package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"mailaudit/report"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape covers the three characters that Slack decodes (docs.slack.dev, Formatting message text).
func escape(text string) string { return escaper.Replace(text) }

// neutral is for every text that may quote something from outside: what Slack would take for markup, a
// mention, an emoji code or a link is replaced by a look-alike, then escaped and cut to max runes.
func neutral(text string, max int) string {
	runes := []rune(report.Plain(text))
	var out strings.Builder
	rtl := false
	for i, r := range runes {
		before, after := ' ', ' '
		if i > 0 {
			before = runes[i-1]
		}
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			rtl = true
		}
		out.WriteRune(lookAlike(r, before, after))
		if r == '@' || r == '#' {
			out.WriteRune('\u2060') // word joiner: no name of a person or channel follows the sign
		}
	}
	short := cut(escape(out.String()), max)
	if rtl {
		short += "\u200e" // left-to-right mark: what follows keeps its order
	}
	return short
}

func lookAlike(r, before, after rune) rune {
	switch r {
	case '*':
		return '\u2217' // asterisk operator
	case '~':
		return '\u223c' // tilde operator
	case '`':
		return '\u02cb' // modifier letter grave accent
	case '_':
		if !wordRune(before) || !wordRune(after) {
			return '\u02cd' // modifier letter low macron
		}
	case ':':
		if after != ' ' {
			return '\u2236' // ratio
		}
	case '.':
		if wordRune(before) && unicode.IsLetter(after) {
			return '\u2024' // one dot leader: bare domains become links too
		}
	}
	return r
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// id shows an identifier so that it can be copied; one with unusual characters is neutralised.
func id(text string) string {
	for _, r := range text {
		if r >= utf8.RuneSelf || !wordRune(r) && !strings.ContainsRune("-_./", r) {
			return neutral(text, idMax)
		}
	}
	if text == "" {
		return "(no id)"
	}
	return "`" + cut(text, idMax) + "`"
}

// command shows a command line for pasting. In code Slack knows no markup but the end of the code.
func command(prefix, words string) string {
	line := strings.TrimSpace(prefix + " mailaudit " + words)
	return "`" + cut(escape(strings.ReplaceAll(report.Plain(line), "`", "'")), commandMax) + "`"
}

// cut shortens escaped text to max runes, never within an entity.
func cut(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	end, n := 0, 0
	for end < len(text) {
		size := 1
		switch {
		case text[end] == '&':
			size = strings.IndexByte(text[end:], ';') + 1
		default:
			_, size = utf8.DecodeRuneInString(text[end:])
		}
		if n += utf8.RuneCountInString(text[end : end+size]); n > max-1 {
			break
		}
		end += size
	}
	return strings.TrimRight(text[:end], " ") + "…"
}

// cutMarked shortens text of ours like cut, and leaves nothing bold or in code that it would have to end within.
func cutMarked(text string, max int) string {
	short := cut(text, max)
	for _, mark := range []string{"*", "`"} {
		if short != text && strings.Count(short, mark)%2 == 1 {
			short = strings.TrimRight(short[:strings.LastIndex(short, mark)], " ") + "…"
		}
	}
	return short
}
