package notice

import (
	"embed"

	"mailaudit/audit"
)

// What a customer is told whom a wrong run has told something.
//
//go:embed correction/*.md
var correctionFiles embed.FS

// correctionLocale is the language of a correction: the contact's, where it is written in that, else English.
// A correction that waits for its translation is worse than one in English.
func (g *Guides) correctionLocale(locale string) string {
	for _, l := range chain(locale) {
		for _, d := range g.frame[l] {
			if _, ok := d.find("text", string(audit.KindCorrection), cell{}); ok {
				return locale
			}
		}
	}
	return fallback
}

// correction says that an earlier mail about these mailboxes was wrong.
func (w *writer) correction() {
	var body []block
	for _, g := range w.draft.groups {
		for _, item := range g.items {
			v := w.draft.groupValues(group{brand: g.brand, verdict: g.verdict, actor: g.actor, items: []Item{item}})
			body = append(body, w.lookup("text", string(audit.KindCorrection), w.draft.cell(g), v)...)
		}
	}
	w.blocks = append(w.blocks, block{Kind: box, Body: body})
	w.text("correction-sorry")
}
