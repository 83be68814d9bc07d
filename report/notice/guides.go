package notice

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"mailaudit/audit"
	"mailaudit/providers"
)

// The frame of every mail: greetings, what was seen, dates, closing.
//
//go:embed letter/*.md
var frameFiles embed.FS

const fallback = "en"

// Guides are all texts that customers are told, by provider and locale.
type Guides struct {
	frame    shelf
	provider map[string]*guide
	order    []string // of the providers, as they were listed
}

type guide struct {
	*providers.Provider
	texts shelf
	facts []Fact
}

// shelf holds documents by locale; of one locale, the operator's own come first.
type shelf map[string][]*document

// LoadGuides reads the guides of the providers (guide/<locale>.md in each one's Files) and of over, which
// may be nil: the operator's own texts, <provider>/<locale>.md and letter/<locale>.md, whose sections go
// before the built-in ones. What a text asks for and cannot be given is an error here rather than in a mail.
func LoadGuides(list []*providers.Provider, over fs.FS) (*Guides, error) {
	g := &Guides{frame: shelf{}, provider: map[string]*guide{}}
	var errs []error
	if over != nil {
		errs = append(errs, g.frame.add(over, "letter"))
	}
	errs = append(errs, g.frame.add(frameFiles, "letter"), g.frame.add(correctionFiles, "correction"), g.frame.checkFrame())
	for _, p := range list {
		one := &guide{Provider: p, texts: shelf{}}
		g.provider[p.Name] = one
		g.order = append(g.order, p.Name)
		if over != nil {
			errs = append(errs, one.texts.add(over, p.Name), one.addFacts(over, p.Name))
		}
		if p.Files != nil {
			errs = append(errs, one.texts.add(p.Files, "guide"), one.addFacts(p.Files, "guide"))
		}
		if len(one.texts[fallback]) == 0 {
			errs = append(errs, fmt.Errorf("provider %s has no guide/%s.md", p.Name, fallback))
		}
		errs = append(errs, one.check())
	}
	return g, errors.Join(errs...)
}

func (s shelf) add(fsys fs.FS, dir string) error {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read guides: %w", err)
	}
	var errs []error
	for _, e := range entries {
		name, isText := strings.CutSuffix(e.Name(), ".md")
		if !isText || e.IsDir() {
			continue
		}
		tag, err := language.Parse(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("guide %s: %q is no locale", path.Join(dir, e.Name()), name))
			continue
		}
		d, err := parseDocument(fsys, path.Join(dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s[tag.String()] = append(s[tag.String()], d)
	}
	return errors.Join(errs...)
}

// chain lists a locale and what it falls back to: en-AU, en-001, en.
func chain(locale string) []string {
	tag, err := language.Parse(locale)
	if err != nil || locale == "" {
		return []string{fallback}
	}
	var out []string
	for ; tag != language.Und; tag = tag.Parent() {
		out = append(out, tag.String())
	}
	return out
}

func (s shelf) documents(locales []string) []*document {
	var out []*document
	for _, l := range locales {
		out = append(out, s[l]...)
	}
	return out
}

// texts are the documents that one mail is written from, all of one language.
type texts struct {
	guide    *guide
	language string // BCP 47, of the text
	own      []*document
	frame    []*document
}

// texts picks the language for a provider's mails: a mail is in one language, so where the frame or the
// guide is missing in the wanted one, all of it is in English.
func (g *Guides) texts(provider, locale string) (texts, error) {
	one := g.provider[provider]
	if one == nil {
		return texts{}, fmt.Errorf("no guide for provider %q", provider)
	}
	for _, locales := range [][]string{chain(locale), {fallback}} {
		t := texts{guide: one, own: one.texts.documents(locales), frame: g.frame.documents(locales)}
		if len(t.own) == 0 || len(t.frame) == 0 {
			continue
		}
		for _, l := range locales {
			if len(one.texts[l]) > 0 {
				t.language = l
				return t, nil
			}
		}
	}
	return texts{}, fmt.Errorf("provider %s has no guide", provider)
}

var errNoSection = errors.New("no section")

// Speaks reports whether a provider's mails to a locale are in its language, and not in English for want of a guide.
func (g *Guides) Speaks(provider, locale string) bool {
	t, err := g.texts(provider, locale)
	return err == nil && slices.Contains(chain(locale), t.language)
}

// find looks a section up, in the provider's guide before the frame, and puts included steps in.
func (t texts) find(kind, name string, c cell) ([]block, error) {
	documents := slices.Concat(t.own, t.frame)
	if c.grant {
		for _, d := range documents {
			if blocks, closeness := d.closest(kind, name, c); closeness >= grantCloseness {
				return t.include(blocks, c)
			}
		}
	}
	for _, d := range documents {
		if blocks, ok := d.find(kind, name, c); ok {
			return t.include(blocks, c)
		}
	}
	return nil, fmt.Errorf("%w: %s guide in %s, %s: %s (brand %s, actor %s)",
		errNoSection, t.guide.Name, t.language, kind, name, c.brand, c.actor)
}

// ofGrants reports whether a section is written for mailboxes that are connected by OAuth.
func (t texts) ofGrants(kind, name string, c cell) bool {
	return slices.ContainsFunc(slices.Concat(t.own, t.frame), func(d *document) bool {
		_, closeness := d.closest(kind, name, c)
		return closeness >= grantCloseness
	})
}

func (t texts) include(blocks []block, c cell) ([]block, error) {
	var out []block
	for _, b := range blocks {
		if b.Kind != include {
			out = append(out, b)
			continue
		}
		for _, d := range slices.Concat(t.own, t.frame) {
			if part, ok := d.find("steps", b.Name, c); ok {
				out = append(out, part...)
				break
			}
		}
	}
	return out, nil
}

// front gives a front matter value; "" if there is none.
func (t texts) front(key, brand string) string {
	for _, d := range slices.Concat(t.own, t.frame) {
		if v, ok := d.front[key+"."+brand]; ok {
			return v
		}
		if v, ok := d.front[key]; ok {
			return v
		}
	}
	return ""
}

// check finds what an author got wrong: headings that can never hold, steps and placeholders that do not exist.
func (g *guide) check() error {
	var errs []error
	for _, docs := range g.texts {
		for _, d := range docs {
			for _, s := range d.sections {
				if err := g.checkSection(d, s); err != nil {
					errs = append(errs, fmt.Errorf("guide of %s, %s, section %s: %w", g.Name, d.path, strings.Join(s.names, ", "), err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// guideKinds are the sections a guide may hold: its own verdicts and steps, and the frame's where a
// provider's customers must be told otherwise.
var guideKinds = []string{"verdict", "trouble", "steps", "setup", "problem", "saw", "saw-many", "short", "subject", "recovered"}

func (g *guide) checkSection(d *document, s section) error {
	if !slices.Contains(guideKinds, s.kind) {
		return fmt.Errorf("a guide has no %q sections", s.kind)
	}
	for _, b := range s.brands {
		if g.brand(b) == nil {
			return fmt.Errorf("%s has no brand %q", g.Name, b)
		}
	}
	switch s.actor {
	case "", string(providers.ActorCustomer), string(providers.ActorAdministrator), string(providers.ActorUs):
	default:
		return fmt.Errorf("there is no actor %q", s.actor)
	}
	switch s.kind {
	case "steps":
	case "setup", "problem":
		known := map[string][]string{"setup": setUpParts, "problem": problems}[s.kind]
		for _, name := range s.names {
			if !slices.Contains(known, name) {
				return fmt.Errorf("%q is none of %s", name, strings.Join(known, ", "))
			}
		}
	default:
		for _, name := range s.names {
			if v := audit.Verdict(name); !v.Failing() && v != ahead && s.kind != "subject" {
				return fmt.Errorf("%q is no verdict that customers are told", name)
			}
		}
	}
	for _, name := range placeholders(s.blocks) {
		if !slices.Contains(fillable, name) && !g.names(name) {
			return fmt.Errorf("nothing is called {{%s}}", name)
		}
	}
	for _, b := range s.blocks {
		if b.Kind == include && !d.hasSteps(b.Name) {
			return fmt.Errorf("there are no steps called %q", b.Name)
		}
	}
	return nil
}

// fillable are the placeholders that every guide and the frame may use.
var fillable = []string{
	"product", "settings", "support", "recheck", "number", "name", "tenant", "count", "unlisted", "company", "mail",
	"mailbox", "when", "times", "help", "guide", "brand", "unsent",
}

// names reports whether a guide's front matter has a value of that name.
func (g *guide) names(name string) bool {
	for _, docs := range g.texts {
		for _, d := range docs {
			for key := range d.front {
				if base, _, _ := strings.Cut(key, "."); base == name {
					return true
				}
			}
		}
	}
	return false
}

func (s shelf) checkFrame() error {
	var errs []error
	for _, docs := range s {
		for _, d := range docs {
			for _, sec := range d.sections {
				for _, name := range placeholders(sec.blocks) {
					if !slices.Contains(fillable, name) {
						errs = append(errs, fmt.Errorf("%s, section %s: nothing is called {{%s}}",
							d.path, strings.Join(sec.names, ", "), name))
					}
				}
			}
		}
	}
	return errors.Join(errs...)
}

func (d *document) hasSteps(name string) bool {
	return slices.ContainsFunc(d.sections, func(s section) bool {
		return s.kind == "steps" && slices.Contains(s.names, name)
	})
}

func (g *guide) brand(name string) *providers.Brand {
	for i := range g.Brands {
		if g.Brands[i].Name == name {
			return &g.Brands[i]
		}
	}
	return nil
}
