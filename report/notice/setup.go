package notice

import (
	"errors"
	"fmt"
	"strings"

	"mailaudit/audit"
	"mailaudit/providers"
)

// A set-up page shows how a mailbox of one brand is made ready for the product, before anything has gone wrong. Below
// its steps it asks which screen the reader sees, and each answer leads to a problem.

// setUpParts are the sections of a set-up page. All but title and steps have words in the letter's frame that hold for
// every provider.
var setUpParts = []string{"title", "who", "why", "before", "steps", "after", "screens"}

// problems are what a reader may meet instead of the screens that the steps show, at most two beside the screen that is
// as it should be.
var problems = []string{"not-available", "wrong-account"}

// setUp is a set-up page.
type setUp struct {
	title    string
	blocks   []block
	screens  []block // the question which screen it is, with the answer for the right one
	problems []problem
	last     []block // help, and what we never ask
}

type problem struct {
	name   string
	title  []span
	blocks []block
}

// setUp writes the set-up page of a brand.
func (d *draft) setUp(brand *providers.Brand) (setUp, error) {
	g := group{brand: brand, verdict: audit.Revoked, actor: providers.ActorCustomer, items: []Item{{}}}
	c, v := d.cell(g), d.groupValues(g)
	w := writer{draft: d}
	p := setUp{title: textOf(spansOf(w.lookup("setup", "title", c, v)))}
	add := func(name, title string) {
		blocks := w.maybe("setup", name, c, v)
		if len(blocks) > 0 && title != "" {
			p.blocks = append(p.blocks, block{Kind: heading, Spans: []span{{Text: title}}})
		}
		p.blocks = append(p.blocks, blocks...)
	}
	add("who", "")
	add("why", "")
	add("before", d.texts.front("before", ""))
	if w.lookup("setup", "steps", c, v); w.err != nil {
		return setUp{}, w.err
	}
	add("steps", d.texts.front("steps", ""))
	add("after", "")
	for _, name := range problems {
		if blocks := w.maybe("problem", name, c, v); len(blocks) > 1 {
			p.problems = append(p.problems, problem{name, blocks[0].Spans, blocks[1:]})
		}
	}
	if p.screens = w.maybe("setup", "screens", c, v); len(p.screens) > 0 {
		p.screens = append([]block{{Kind: heading, Spans: []span{{Text: d.texts.front("screens", "")}}}}, p.screens...)
	}
	if v["help"].Text != "" {
		p.last = append(p.last, w.lookup("text", "help", c, v)...)
	}
	p.last = append(p.last, w.lookup("text", "page-foot", c, v)...)
	return p, w.err
}

// answers adds to the question which screen it is the problems, each with the link that href gives.
func (p setUp) answers(href func(problem) string) []block {
	out := append([]block(nil), p.screens...)
	if len(p.problems) == 0 {
		return out
	}
	list := block{Kind: bullets}
	if n := len(out); n > 0 && out[n-1].Kind == bullets {
		list.Items = append(list.Items, out[n-1].Items...)
		out = out[:n-1]
	}
	for _, one := range p.problems {
		item := one.title
		if to := href(one); to != "" {
			item = []span{{Text: textOf(one.title), Href: to}}
		}
		list.Items = append(list.Items, item)
	}
	return append(out, list)
}

// whole is the page with its problems below it, for one that is read by itself.
func (p setUp) whole() []block {
	out := append([]block(nil), p.blocks...)
	out = append(out, p.answers(func(problem) string { return "" })...)
	for _, one := range p.problems {
		out = append(out, block{Kind: heading, Spans: one.title})
		out = append(out, one.blocks...)
	}
	return append(out, p.last...)
}

// isSetUp reports whether the sample is of a set-up page rather than of a mail.
func (s Sample) isSetUp() bool { return s.Verdict == "" && s.Kind == "" }

// setUp prepares the texts of the sample's set-up page.
func (s Sample) setUp(set Settings) (*draft, setUp, error) {
	one := set.Guides.provider[s.Provider]
	if one == nil {
		return nil, setUp{}, fmt.Errorf("no guide for provider %q", s.Provider)
	}
	brand := one.brand(s.Brand)
	if brand == nil {
		brand = &one.Brands[0]
	}
	t, err := set.Guides.texts(s.Provider, s.Locale)
	if err != nil {
		return nil, setUp{}, err
	}
	d, err := newPageDraft(t.language, one, group{brand: brand, verdict: audit.Revoked, actor: providers.ActorCustomer}, set)
	if err != nil {
		return nil, setUp{}, err
	}
	d.letter.Date, d.letter.ContactEmail = s.Date, orDefault(s.To, nobody)
	p, err := d.setUp(brand)
	if errors.Is(err, errNoSection) {
		err = fmt.Errorf("%w: %s has no set-up page: %w", ErrNoMail, brand.Title, err)
	}
	return d, p, err
}

// renderSetUp shows a set-up page by itself, with its problems.
func renderSetUp(s Sample, format Format, set Settings) ([]byte, error) {
	d, p, err := s.setUp(set)
	if err != nil {
		return nil, err
	}
	switch format {
	case FormatText, "":
		return []byte(p.title + "\n" + strings.Repeat("=", len([]rune(p.title))) + "\n\n" + renderText(p.whole())), nil
	case FormatHTML:
		page, err := p.page(d)
		return []byte(page), err
	case FormatEML:
		m, err := p.mail(d)
		return m.Raw, err
	}
	return nil, fmt.Errorf("guides have no format %q: text, html or eml", format)
}

func (p setUp) mail(d *draft) (Message, error) {
	to, err := recipient(d.letter.ContactEmail)
	if err != nil {
		return Message{}, err
	}
	return d.message(to, p.title, p.whole())
}

// page is the page as one file, pictures included.
func (p setUp) page(d *draft) (string, error) {
	look, err := d.settings.look(d.texts.language)
	if err != nil {
		return "", err
	}
	b := siteBuilder{settings: d.settings, look: look}
	return b.render(sitePage{
		Language: d.texts.language, Title: p.title, Skip: d.texts.front("skip", ""), Updated: d.texts.updated(),
		Blocks: illustrate(p.whole(), (*picture).inline),
	})
}
