package notice

import (
	"errors"
	"fmt"
	"slices"

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
	w.about()
	switch d.letter.Kind {
	case audit.KindRecovered:
		w.recovered()
	case audit.KindCorrection:
		w.correction()
	default:
		w.findings()
		w.closing()
	}
	w.foot()
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

// maybe is lookup for what an operator's own translation may leave out: nil where there is none.
func (w *writer) maybe(kind, name string, c cell, v values) []block {
	if _, err := w.draft.texts.find(kind, name, c); errors.Is(err, errNoSection) {
		return nil
	}
	return w.lookup(kind, name, c, v)
}

// trouble is what helps where a screen looks different. Of a connected mailbox only what is written for connections holds.
func (w *writer) trouble(g group, c cell, v values) []block {
	if g.grant && !w.draft.texts.ofGrants("trouble", string(g.verdict), c) {
		return nil
	}
	return w.maybe("trouble", string(g.verdict), c, v)
}

// text adds a section of the letter's frame.
func (w *writer) text(name string) {
	w.section("text", name, w.draft.cell(w.draft.groups[0]), w.draft.values)
}

// about says whose mailbox the mail is about, and whom to call.
func (w *writer) about() {
	d := w.draft
	names := []string{"about-mailbox"}
	v := values{}
	for key, val := range d.values {
		v[key] = val
	}
	if v["mailbox"] = d.mailboxesOf(d.groups...); len(d.letter.Items) > 1 {
		names = []string{"about-mailboxes"}
	}
	if v["tenant"].Text != "" {
		names = slices.Insert(names, 0, "about-tenant")
	}
	if v["support"].Text != "" {
		names = append(names, "sign-support")
	} else {
		names = append(names, "sign")
	}
	list := block{Kind: lines}
	for _, name := range names {
		for _, b := range w.maybe("text", name, d.cell(d.groups[0]), v) {
			list.Items = append(list.Items, b.Spans)
		}
	}
	w.blocks = append(w.blocks, list)
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
	if url := w.draft.settingsURL(); url != "" {
		for _, b := range w.lookup("text", "button", w.draft.cell(w.draft.groups[0]), w.draft.values) {
			b.Kind = button
			for i := range b.Spans {
				b.Spans[i].Href = url
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
	seen := w.seen(g, c, v)
	if v["unsent"].Text != "" && g.verdict != audit.SingleFactor && g.verdict != ahead {
		seen.Body = append(seen.Body, w.maybe("text", "unsent", c, v)...)
	}
	w.blocks = append(w.blocks, seen)
	guide := w.lookup("verdict", string(g.verdict), c, v)
	if w.draft.settings.GuideURL == "" { // else the page has it
		guide = append(guide, w.trouble(g, c, v)...)
	}
	w.blocks = append(w.blocks, guide...)
	if page := w.draft.page(g); page != "" && (isPictured(guide) || len(w.trouble(g, c, v)) > 0) {
		v["guide"] = value{Text: page, Href: page}
		w.section("text", "pictures", c, v)
		return // the page has the provider's help
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
	type entry struct {
		name span
		line string
	}
	var all []entry
	count := map[string]int{}
	for _, item := range g.items {
		line := ", " + d.when(item)
		name := span{Text: item.Mailbox, Spoken: d.texts.spoken(item.Mailbox)}
		if d.eachItsOwn() {
			name.Href = d.settings.settingsOf(d.letter.TenantID, item.AccountID)
		}
		if n := count[item.Mailbox+name.Href+line]; n == 0 {
			all = append(all, entry{name, line})
		}
		count[item.Mailbox+name.Href+line]++
	}
	out := make([][]span, len(all))
	for i, e := range all {
		if n := count[e.name.Text+e.name.Href+e.line]; n > 1 {
			out[i] = append(out[i], span{Text: fmt.Sprintf("%d × ", n)})
		}
		out[i] = append(out[i], e.name, span{Text: e.line})
	}
	return out
}

func (w *writer) closing() {
	switch {
	case w.draft.letter.Kind == audit.KindAhead: // it works now, so there is nothing to check again
	case w.draft.settings.RecheckWithin != "":
		w.text("again-within")
	default:
		w.text("again")
	}
	w.text("forward")
	w.text("real")
}

func (w *writer) foot() {
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
