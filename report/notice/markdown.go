package notice

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// parsed is a Markdown file cut at its second-level headings.
type parsed struct {
	heading string
	blocks  []block
}

// parseMarkdown reads the small part of Markdown that guides are written in: second-level headings,
// paragraphs, lists without sub-lists, **bold**, *names on a screen*, links, and pictures in numbered steps.
// Anything else is an error, so that nothing an author wrote is lost in silence.
func parseMarkdown(source []byte) ([]parsed, error) {
	root := goldmark.DefaultParser().Parse(text.NewReader(source))
	var out []parsed
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			spans, err := parseSpans(h, source)
			if err != nil {
				return nil, err
			}
			out = append(out, parsed{heading: textOf(spans)})
			continue
		}
		b, err := parseBlock(n, source)
		if err != nil {
			return nil, err
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%q stands before the first ## heading", textOf(b.Spans))
		}
		last := &out[len(out)-1]
		last.blocks = append(last.blocks, b)
	}
	return out, nil
}

func parseBlock(n ast.Node, source []byte) (block, error) {
	switch n := n.(type) {
	case *ast.Paragraph:
		spans, err := parseSpans(n, source)
		if name, ok := includeName(spans); ok {
			return block{Kind: include, Name: name}, err
		}
		if err == nil && slices.ContainsFunc(spans, func(s span) bool { return s.Image != "" }) {
			err = errors.New("pictures stand in numbered steps alone")
		}
		return block{Kind: paragraph, Spans: spans}, err
	case *ast.List:
		b := block{Kind: bullets}
		if n.IsOrdered() {
			b.Kind = steps
		}
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			if item.ChildCount() != 1 {
				return b, errors.New("a list item may hold one paragraph and no more")
			}
			spans, err := parseSpans(item.FirstChild(), source)
			if err != nil {
				return b, err
			}
			if b.Kind == bullets && slices.ContainsFunc(spans, func(s span) bool { return s.Image != "" }) {
				return b, errors.New("pictures stand in numbered steps alone")
			}
			b.Items = append(b.Items, spans)
		}
		return b, nil
	}
	return block{}, fmt.Errorf("guides have no %s", n.Kind())
}

// includeName reads a paragraph that is nothing but {{steps: name}}.
func includeName(spans []span) (string, bool) {
	name, ok := strings.CutPrefix(textOf(spans), "{{steps:")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "}}")
	return strings.TrimSpace(name), ok
}

func parseSpans(n ast.Node, source []byte) ([]span, error) {
	var out []span
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			s := span{Text: string(c.Segment.Value(source))}
			if c.SoftLineBreak() || c.HardLineBreak() {
				s.Text += " "
			}
			out = append(out, s)
		case *ast.String:
			out = append(out, span{Text: string(c.Value)})
		case *ast.Emphasis:
			inner, err := parseSpans(c, source)
			if err != nil {
				return nil, err
			}
			for _, s := range inner {
				s.Strong = s.Strong || c.Level == 2
				s.Label = s.Label || c.Level == 1
				out = append(out, s)
			}
		case *ast.AutoLink:
			out = append(out, span{Text: string(c.Label(source)), Href: string(c.URL(source))})
		case *ast.Image:
			inner, err := parseSpans(c, source)
			if err != nil {
				return nil, err
			}
			if textOf(inner) == "" {
				return nil, fmt.Errorf("picture %s: what it shows is not said (the alt text)", c.Destination)
			}
			out = append(out, span{Text: textOf(inner), Image: string(c.Destination)})
		case *ast.Link:
			inner, err := parseSpans(c, source)
			if err != nil {
				return nil, err
			}
			out = append(out, span{Text: textOf(inner), Href: string(c.Destination)})
		default:
			return nil, fmt.Errorf("guides have no %s", c.Kind())
		}
	}
	for _, s := range out {
		if s.Href != "" && !isWebURL(s.Href, "https") {
			return nil, fmt.Errorf("link to %q: links lead to https addresses alone", s.Href)
		}
	}
	return join(out), nil
}
