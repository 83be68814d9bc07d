package providers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// decodeText gives a reply as UTF-8. SMTP replies are ASCII by their RFC; in practice Chinese servers send
// GBK and Western ones Latin-1. A GBK reply that a client has already read as Latin-1 is repaired too.
func decodeText(s string) string {
	if !utf8.ValidString(s) {
		if han, ok := decodeGBK([]byte(s)); ok {
			return han
		}
		latin, err := charmap.Windows1252.NewDecoder().String(s)
		if err != nil {
			return strings.ToValidUTF8(s, "\uFFFD")
		}
		return latin
	}
	if strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 {
		return s
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return s
		}
		raw = append(raw, byte(r))
	}
	if han, ok := decodeGBK(raw); ok {
		return han
	}
	return s
}

// decodeGBK decodes text in GB 2312's part of GBK: there all bytes of a character are above 0xA0, so that
// runs of them have even lengths. Western accents stand alone, so their runs are odd.
func decodeGBK(raw []byte) (string, bool) {
	high, run := 0, 0
	for _, c := range raw {
		switch {
		case c > 0xA0:
			high++
			run++
		case c >= 0x80 || run%2 == 1:
			return "", false
		default:
			run = 0
		}
	}
	if high < 4 || run%2 == 1 {
		return "", false
	}
	text, err := simplifiedchinese.GBK.NewDecoder().Bytes(raw)
	if err != nil || strings.ContainsRune(string(text), utf8.RuneError) {
		return "", false
	}
	return string(text), true
}

// cleanText folds white space and drops what could move a cursor, reorder text or break a line.
func cleanText(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(reSpace.ReplaceAllString(s, " "))
}

// truncate cuts s to at most max bytes without splitting a character.
func truncate(s string, max int) string {
	if len(s) <= max {
		return s
	}
	cut := max - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.TrimRight(s[:cut], " ") + "…"
}
