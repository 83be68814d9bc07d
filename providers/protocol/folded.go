package protocol

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// part is how many signs in a row of a secret are worth something. A secret of fewer is looked for as a word of its
// own: as a part of other words it would be found in any reply.
const part = 6

// words are those that servers say to everybody, a line each, taken from the replies that the rules were written for.
// Where one of them is a part of somebody's password, it is left: the reply would no longer be understood, and the gap
// would tell the password that the word itself does not.
//
//go:embed ordinary.txt
var words string

var ordinaryWords = func() map[string]bool {
	all := map[string]bool{}
	for w := range strings.Lines(words) {
		all[strings.TrimSpace(w)] = true
	}
	return all
}()

func ordinary(word string) bool { return ordinaryWords[strings.ToLower(word)] }

// sign is one sign of a text as it is compared.
type sign struct {
	r        rune
	ordinary bool  // of a word that servers say to everybody
	word     int32 // which word of the text it is of, from 1; 0 for a sign between words
	gap      bool  // white space stands before it
}

// folded is a text in the forms in which a secret is looked for: without regard to case, width, accents, white space
// and signs that nobody sees.
type folded struct {
	whole []sign // all that is left
	bare  []sign // letters and digits alone: whatever was put between them
	ascii []sign // those of ASCII, where the others came in a character set that nobody can tell; nil: the same as bare

	buf []byte
}

type window [part]rune

func fold(text string) (f folded) {
	f.read(text)
	return f
}

// read folds a text in place of the one before.
func (f *folded) read(text string) {
	f.whole, f.bare, f.ascii, f.buf = f.whole[:0], f.bare[:0], nil, f.buf[:0]
	foreign := strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
	if foreign {
		f.ascii = []sign{}
		for _, r := range text {
			if r < 0x80 && (letter(byte(r)) || digit(byte(r))) {
				f.ascii = append(f.ascii, sign{r: unicode.ToLower(r), word: 1})
			}
		}
		text = cases.Fold().String(norm.NFKD.String(strings.ToValidUTF8(text, " ")))
	}
	f.whole, f.bare = slices.Grow(f.whole, len(text)), slices.Grow(f.bare, len(text))
	word, begun, gap := int32(0), -1, false
	end := func() {
		if begun < 0 {
			return
		}
		of := f.whole[begun:]
		f.buf = f.buf[:0]
		for _, s := range of {
			f.buf = utf8.AppendRune(f.buf, s.r)
		}
		if ordinaryWords[string(f.buf)] {
			for i := range of {
				of[i].ordinary = true
				f.bare[len(f.bare)-1-i].ordinary = true
			}
		}
		begun = -1
	}
	for _, r := range text {
		switch {
		case r < 0x80 && letter(byte(r)), r < 0x80 && digit(byte(r)), r >= 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) && !ignorable(r):
			if begun < 0 {
				begun = len(f.whole)
				word++
			}
			s := sign{r: unicode.ToLower(r), word: word, gap: gap}
			f.whole, f.bare = append(f.whole, s), append(f.bare, s)
			gap = false
		case unicode.IsSpace(r):
			end()
			gap = true
		case unicode.IsControl(r) || r >= 0x80 && ignorable(r):
		default:
			end()
			f.whole = append(f.whole, sign{r: r, gap: gap})
			gap = false
		}
	}
	end()
}

// ignorable signs show nothing, or only change the sign before them.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// secret is a secret in the forms in which it is looked for.
type secret struct {
	short                    bool
	letters                  []sign // of a short one
	inWhole, inBare, inASCII map[window]struct{}
}

func secretOf(text string) (s secret, ok bool) {
	f := fold(text)
	if len(f.whole) == 0 {
		return s, false
	}
	if len(f.whole) < part {
		return secret{short: true, letters: f.whole}, true
	}
	s.inWhole, s.inBare, s.inASCII = windows(f.whole), windows(f.bare), windows(f.ascii)
	return s, true
}

func windows(of []sign) map[window]struct{} {
	if len(of) < part {
		return nil
	}
	all := make(map[window]struct{}, len(of)-part+1)
	for i := range len(of) - part + 1 {
		all[windowAt(of, i)] = struct{}{}
	}
	return all
}

func windowAt(of []sign, at int) (w window) {
	for i := range w {
		w[i] = of[at+i].r
	}
	return w
}

// in reports whether a part of the secret stands in the text.
func (s *secret) in(f *folded) bool {
	if s.short {
		return shortIn(f.whole, s.letters)
	}
	ascii := f.ascii
	if ascii == nil {
		ascii = f.bare
	}
	return anyIn(f.whole, s.inWhole) || anyIn(f.bare, s.inBare) || anyIn(ascii, s.inASCII)
}

func anyIn(text []sign, parts map[window]struct{}) bool {
	if len(parts) == 0 || len(text) < part {
		return false
	}
	w := windowAt(text, 0)
	for i := part; ; i++ {
		if _, is := parts[w]; is && !said(text[i-part:i]) {
			return true
		}
		if i == len(text) {
			return false
		}
		copy(w[:], w[1:])
		w[part-1] = text[i].r
	}
}

// said reports whether signs are of words that servers say to everybody, with what stands between them.
func said(signs []sign) bool {
	some := false
	for _, s := range signs {
		if s.word > 0 && !s.ordinary {
			return false
		}
		some = some || s.ordinary
	}
	return some
}

// shortIn finds a short secret where it begins and ends as words do. One of four signs or more may be broken by space.
func shortIn(text, short []sign) bool {
	n := len(short)
	for i := range len(text) - n + 1 {
		at := text[i : i+n]
		if !same(at, short) || said(at) || i > 0 && joined(text[i-1], at[0]) || i+n < len(text) && joined(at[n-1], text[i+n]) {
			continue
		}
		broken := false
		for _, s := range at[1:] {
			broken = broken || s.gap
		}
		if !broken || n >= 4 {
			return true
		}
	}
	return false
}

func same(a, b []sign) bool {
	for i := range a {
		if a[i].r != b[i].r {
			return false
		}
	}
	return true
}

// joined reports whether two signs are of one word.
func joined(a, b sign) bool { return a.word > 0 && a.word == b.word }
