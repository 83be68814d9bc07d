package notice

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const textWidth = 72

// renderText writes blocks as plain text in lines of textWidth; a web address is never broken.
func renderText(blocks []block) string {
	var parts []string
	for _, b := range blocks {
		if s := textBlock(b); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "\n\n") + "\n"
}

func textBlock(b block) string {
	switch b.Kind {
	case box, note:
		return strings.TrimSuffix(renderText(b.Body), "\n")
	case steps, bullets:
		lines := make([]string, len(b.Items))
		for i, item := range b.Items {
			mark := "- "
			if b.Kind == steps {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			lines[i] = wrap(textSpans(item), mark, strings.Repeat(" ", len(mark)))
		}
		return strings.Join(lines, "\n")
	case lines:
		said := make([]string, len(b.Items))
		for i, item := range b.Items {
			said[i] = wrap(textSpans(item), "", "")
		}
		return strings.Join(said, "\n")
	case heading:
		title := textSpans(b.Spans)
		return wrap(title, "", "") + "\n" + strings.Repeat("-", min(utf8.RuneCountInString(title), textWidth))
	case small:
		return "-- \n" + wrap(textSpans(b.Spans), "", "") // the mark of a signature, RFC 3676 section 4.3
	}
	return wrap(textSpans(b.Spans), "", "")
}

func textSpans(spans []span) string {
	var sb strings.Builder
	for _, s := range spans {
		if s.Picture != nil {
			continue // each step says in words what its picture shows
		}
		if s.Label {
			s.Text = `"` + s.Text + `"`
		}
		sb.WriteString(s.Text)
		if s.Href != "" && s.Href != s.Text {
			sb.WriteString(": " + s.Href)
		}
	}
	return sb.String()
}

func wrap(s, first, rest string) string {
	var sb strings.Builder
	line := first
	empty := true
	for _, word := range strings.Fields(s) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth {
			sb.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	sb.WriteString(line)
	return sb.String()
}
