package notice

import (
	"fmt"

	"mailaudit/audit"
)

// body writes the letter from greeting to foot.
func (d *draft) body() ([]block, error) {
	var w writer
	w.draft = d
	if d.values["name"].Text != "" {
		w.text("hello-name")
	} else {
		w.text("hello")
	}
	switch d.letter.Kind {
	case audit.KindRecovered:
		w.recovered()
	case audit.KindCorrection:
		w.correction()
	default:
		w.findings()
		w.closing()
	}
	w.signature()
	return w.blocks, w.err
}

// writer puts sections one after the other and remembers the first thing that went wrong.
type writer struct {
	draft  *draft
	blocks []block
	err    error
}

// section adds a section, filled with v.
func (w *writer) section(kind, name string, c cell, v values) {
	w.blocks = append(w.blocks, w.lookup(kind, name, c, v)...)
}

func (w *writer) lookup(kind, name string, c cell, v values) []block {
	if w.err != nil {
		return nil
	}
	blocks, err := w.draft.texts.find(kind, name, c)
	if err == nil {
		blocks, err = fill(blocks, v)
		if err != nil {
			err = fmt.Errorf("%s guide, %s %s: %w", w.draft.letter.Provider, kind, name, err)
		}
	}
	w.err = err
	return blocks
}

// text adds a section of the letter's frame.
func (w *writer) text(name string) {
	w.section("text", name, w.draft.cell(w.draft.groups[0]), w.draft.values)
}

func (w *writer) recovered() {
	var body []block
	for _, g := range w.draft.groups {
		body = append(body, w.lookup("recovered", string(g.verdict), w.draft.cell(g), w.draft.groupValues(g))...)
	}
	w.blocks = append(w.blocks, block{Kind: box, Body: body})
	w.unlisted()
}

func (w *writer) unlisted() {
	if w.draft.unlisted > 0 {
		w.text("unlisted")
	}
}

func (w *writer) findings() {
	switch {
	case w.draft.letter.Kind == audit.KindReminder:
		w.text("reminder")
	case w.draft.letter.Kind == audit.KindAhead && w.draft.letter.Thread != "":
		w.text("reminder-ahead")
	}
	if len(w.draft.groups) > 1 {
		w.text("several")
	}
	for _, g := range w.draft.groups {
		w.finding(g)
	}
	w.unlisted()
	if w.draft.settings.SettingsURL != "" {
		for _, b := range w.lookup("text", "button", w.draft.cell(w.draft.groups[0]), w.draft.values) {
			b.Kind = button
			for i := range b.Spans {
				b.Spans[i].Href = w.draft.settings.SettingsURL
			}
			w.blocks = append(w.blocks, b)
		}
	}
}

func (w *writer) finding(g group) {
	c, v := w.draft.cell(g), w.draft.groupValues(g)
	if len(w.draft.groups) > 1 {
		for _, b := range w.lookup("short", string(g.verdict), c, v) {
			b.Kind = heading
			w.blocks = append(w.blocks, b)
		}
	}
	w.blocks = append(w.blocks, w.seen(g, c, v))
	guide := w.lookup("verdict", string(g.verdict), c, v)
	w.blocks = append(w.blocks, guide...)
	if page := w.draft.page(g); page != "" && isPictured(guide) {
		v["guide"] = value{Text: page, Href: page}
		w.section("text", "pictures", c, v)
	}
	if v["help"].Text != "" {
		w.section("text", "help", c, v)
	}
}

// seen is the box that says what happened, with a list of the mailboxes where there are several.
func (w *writer) seen(g group, c cell, v values) block {
	if len(g.items) == 1 {
		return block{Kind: box, Body: w.lookup("saw", string(g.verdict), c, v)}
	}
	body := w.lookup("saw-many", string(g.verdict), c, v)
	if len(body) == 0 {
		return block{Kind: box}
	}
	list := []block{body[0], {Kind: bullets, Items: w.draft.mailboxes(g)}}
	return block{Kind: box, Body: append(list, body[1:]...)}
}

// mailboxes lists a group's mailboxes with their dates. Those that look alike behind their masks share a line.
func (d *draft) mailboxes(g group) [][]span {
	var lines []string
	count := map[string]int{}
	for _, item := range g.items {
		line := item.Mailbox + ", " + d.when(item)
		if count[line] == 0 {
			lines = append(lines, line)
		}
		count[line]++
	}
	out := make([][]span, len(lines))
	for i, line := range lines {
		if n := count[line]; n > 1 {
			line = fmt.Sprintf("%d × %s", n, line)
		}
		out[i] = []span{{Text: line}}
	}
	return out
}

func (w *writer) closing() {
	s := w.draft.settings
	w.text("forward")
	body := w.lookup("text", "real", w.draft.cell(w.draft.groups[0]), w.draft.values)
	w.blocks = append(w.blocks, block{Kind: note, Body: body})
	if w.draft.letter.Kind == audit.KindAhead {
		return // it works now, so there is nothing to check again
	}
	if s.RecheckWithin != "" {
		w.text("again-within")
	} else {
		w.text("again")
	}
}

func (w *writer) signature() {
	if w.draft.values["support"].Text != "" {
		w.text("sign-support")
	} else {
		w.text("sign")
	}
	name := "foot"
	switch {
	case w.draft.letter.Number == 0:
		name = "foot-sample"
	case w.draft.values["tenant"].Text != "":
		name = "foot-tenant"
	}
	for _, b := range w.lookup("text", name, w.draft.cell(w.draft.groups[0]), w.draft.values) {
		b.Kind = small
		w.blocks = append(w.blocks, b)
	}
}
