package notice

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed mail.html.tmpl
var mailTemplate string

var mailHTML = template.Must(template.New("mail").Funcs(template.FuncMap{
	"within":  func(b block, l inner) inner { return inner{Blocks: b.Body, Colour: l.Colour} },
	"outer":   func(l look) inner { return inner{Blocks: l.Blocks, Colour: l.Colour} },
	"comment": func(s string) template.HTML { return template.HTML("<!--" + s + "-->") }, // constants of the template alone
}).Parse(mailTemplate))

// look is what the HTML needs besides the blocks.
type look struct {
	Language string
	Title    string
	Heading  string
	Preview  string // what mail programs show beside the subject
	Product  string
	Logo     template.URL // "" has the product's name in its place
	Colour   colour
	Blocks   []block
}

func (s Settings) look(language string) (look, error) {
	c, err := parseColour(s.Colour)
	if err != nil {
		return look{}, fmt.Errorf("notices.colour: %w", err)
	}
	return look{Language: language, Product: s.product(), Colour: c}, nil
}

func renderHTML(blocks []block, l look) (string, error) {
	l.Blocks = blocks
	var sb strings.Builder
	if err := mailHTML.Execute(&sb, l); err != nil {
		return "", fmt.Errorf("mail template: %w", err)
	}
	return sb.String(), nil
}

// inner is a run of blocks with what their rendering needs.
type inner struct {
	Blocks []block
	Colour colour
}

// preview is the first thing that was seen.
func preview(blocks []block) string {
	for _, b := range blocks {
		if b.Kind == box && len(b.Body) > 0 {
			return textOf(b.Body[0].Spans)
		}
	}
	return ""
}
