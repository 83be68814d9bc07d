package notice

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is written to a customer is a list of blocks; the text and the HTML of a mail are two renderings
// of one list, so they cannot differ in what they say.

type blockKind string

const (
	paragraph blockKind = "paragraph"
	heading   blockKind = "heading"
	steps     blockKind = "steps"   // numbered
	bullets   blockKind = "bullets" // not numbered
	box       blockKind = "box"     // what we saw: set off from the rest
	note      blockKind = "note"    // how to tell that the mail is real: framed, quieter than a box
	button    blockKind = "button"  // one span, a link
	lines     blockKind = "lines"   // each item a line
	small     blockKind = "small"   // the foot of the mail
	include   blockKind = "include" // stands for the steps section that Name tells; gone after lookup
)

type block struct {
	Kind  blockKind
	Spans []span   // of a paragraph, heading, button or small
	Items [][]span // of steps and bullets
	Body  []block  // of a box or note
	Name  string   // of an include
}

// span is a stretch of text of one look.
type span struct {
	Text   string
	Strong bool
	Label  bool   // a name on a screen, or what is to be typed: bold in HTML, quoted in plain text
	Href   string // "" if no link
	Spoken string // what a screen reader says in the text's place; "": the text

	Image   string   // of a picture that is not read yet: its file, seen from the guide's
	Picture *picture // nil: no picture. Text is what it shows, for those who do not see it
}

// value is what a placeholder stands for. It is never read as Markdown.
type value struct {
	Text   string
	Href   string
	Spoken string
}

var webAddress = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9./_-]*)?$`)

// Typed reports whether the span is an address that a reader types letter by letter.
func (s span) Typed() bool { return s.Strong && webAddress.MatchString(s.Text) }

// Parts cuts a typed address where a narrow screen may break it: behind a slash, and not within a word that is to be
// typed letter by letter.
func (s span) Parts() []string {
	parts := strings.SplitAfter(s.Text, "/")
	if n := len(parts); parts[n-1] == "" {
		parts = parts[:n-1]
	}
	return parts
}

// Web is the page that a typed address leads to; "" where it is no page, such as a mail server.
func (s span) Web() string {
	if !s.Typed() || strings.HasPrefix(s.Text, "smtp") {
		return ""
	}
	return "https://" + s.Text
}

type values map[string]value

func (v values) set(name, text string) { v[name] = value{Text: text} }

var placeholder = regexp.MustCompile(`\{\{([A-Za-z]+)\}\}`)

// fill puts values into blocks. A placeholder that begins with a capital has its value's first letter raised.
func fill(blocks []block, v values) ([]block, error) {
	out := make([]block, len(blocks))
	for i, b := range blocks {
		var err error
		if b.Spans, err = fillSpans(b.Spans, v); err != nil {
			return nil, err
		}
		items := make([][]span, len(b.Items))
		for j, item := range b.Items {
			if items[j], err = fillSpans(item, v); err != nil {
				return nil, err
			}
		}
		b.Items = items
		if b.Body, err = fill(b.Body, v); err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

func fillSpans(spans []span, v values) ([]span, error) {
	var out []span
	for _, s := range spans {
		if s.Picture != nil {
			shows, err := fillSpans([]span{{Text: s.Text}}, v)
			if err != nil {
				return nil, err
			}
			out = append(out, s.with(textOf(shows)))
			continue
		}
		rest := s.Text
		for {
			at := placeholder.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			val, err := v.look(rest[at[2]:at[3]])
			if err != nil {
				return nil, err
			}
			if at[0] > 0 {
				out = append(out, s.with(rest[:at[0]]))
			}
			filled := s.with(val.Text)
			filled.Spoken = val.Spoken
			if filled.Href == "" {
				filled.Href = val.Href
			}
			out = append(out, filled)
			rest = rest[at[1]:]
		}
		if rest != "" {
			out = append(out, s.with(rest))
		}
	}
	return join(out), nil
}

func (v values) look(name string) (value, error) {
	first, n := utf8.DecodeRuneInString(name)
	val, ok := v[string(unicode.ToLower(first))+name[n:]]
	if !ok || val.Text == "" {
		return value{}, fmt.Errorf("nothing to put for {{%s}}", name)
	}
	if unicode.IsUpper(first) {
		val.Text = raise(val.Text)
	}
	return val, nil
}

func (s span) with(text string) span {
	s.Text = text
	return s
}

// join puts neighbours of one look together.
func join(spans []span) []span {
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].with("") == s.with("") {
			out[n-1].Text += s.Text
		} else {
			out = append(out, s)
		}
	}
	return out
}

func raise(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func textOf(spans []span) string {
	var sb strings.Builder
	for _, s := range spans {
		sb.WriteString(s.Text)
	}
	return sb.String()
}

// placeholders lists the names that blocks ask for, first letter lowered.
func placeholders(blocks []block) []string {
	var out []string
	take := func(spans []span) {
		for _, m := range placeholder.FindAllStringSubmatch(textOf(spans), -1) {
			first, n := utf8.DecodeRuneInString(m[1])
			out = append(out, string(unicode.ToLower(first))+m[1][n:])
		}
	}
	for _, b := range blocks {
		take(b.Spans)
		for _, item := range b.Items {
			take(item)
		}
		out = append(out, placeholders(b.Body)...)
	}
	return out
}
