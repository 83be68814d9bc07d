package dial

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
)

// maxShown is how much of a line people are shown, in characters.
const maxShown = 300

func (t *talk) say(line string) {
	t.result.Dialogue = append(t.result.Dialogue, providers.Line{Text: line})
}

func (t *talk) hear(wire string) {
	if wire == "" {
		return
	}
	for line := range strings.SplitSeq(wire, "\n") {
		t.result.Dialogue = append(t.result.Dialogue, providers.Line{FromServer: true, Text: readable(line, maxShown)})
	}
}

// settleDialogue looks at all that the server said: a secret may come in pieces, one with each reply. Then nothing of
// it is kept but that something was said.
func (t *talk) settleDialogue() {
	var all strings.Builder
	for _, l := range t.result.Dialogue {
		if l.FromServer {
			all.WriteString(l.Text + "\n")
		}
	}
	if !t.scrub.Holds(all.String()) {
		return
	}
	for i, l := range t.result.Dialogue {
		if l.FromServer {
			head, _ := protocol.CutCode(l.Text)
			t.result.Dialogue[i].Text = head + protocol.Redacted
		}
	}
}

// readable makes foreign text safe to print: valid UTF-8, no control or formatting characters (escape
// sequences, text direction), at most limit characters.
func readable(s string, limit int) string {
	if len(s) <= limit && !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			b.WriteString("...")
			break
		}
		if unprintable(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}
