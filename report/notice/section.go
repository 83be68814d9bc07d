package notice

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// document is one Markdown file of a guide or of the letter's frame:
//
//	---
//	title: Gmail
//	company.aol: AOL
//	---
//	## verdict: revoked, invalid; brand: aol; actor: administrator; if: oauth
//	Paragraphs, lists, {{placeholders}}, {{steps: name}}
//
//	1. A step. ![What its picture shows.](pictures/name.en.png)
//
// The front matter's keys are placeholders too; "key.brand" holds for that brand. A heading names what its
// section is for and, after semicolons, when it holds; the section with the most conditions that hold wins.
type document struct {
	path     string
	front    map[string]string
	sections []section
}

type section struct {
	kind   string // "verdict", "steps", "saw", …
	names  []string
	brands []string // none: every brand
	actor  string   // "": every actor
	oauth  bool     // holds only where the product can connect this provider by OAuth
	grant  bool     // holds only for mailboxes that are connected by OAuth
	blocks []block
}

// cell is the place in the matrix of texts that is asked for.
type cell struct {
	brand string
	actor string
	oauth bool
	grant bool // goes before all else: what is said of passwords does not hold for a connection
}

func parseDocument(fsys fs.FS, path string) (*document, error) {
	source, err := fs.ReadFile(fsys, path)
	if err != nil {
		return nil, err
	}
	d, err := parseSource(source)
	if err != nil {
		return nil, fmt.Errorf("guide %s: %w", path, err)
	}
	d.path = path
	if err := d.loadPictures(fsys); err != nil {
		return nil, fmt.Errorf("guide %s: %w", path, err)
	}
	return d, nil
}

func parseSource(source []byte) (*document, error) {
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	d := &document{front: map[string]string{}}
	rest, ok := bytes.CutPrefix(source, []byte("---\n"))
	if ok {
		front, body, found := bytes.Cut(rest, []byte("\n---\n"))
		if !found {
			return nil, fmt.Errorf("the front matter has no end (a line of ---)")
		}
		for _, line := range strings.Split(string(front), "\n") {
			key, val, ok := strings.Cut(line, ":")
			key = strings.TrimSpace(key)
			if !ok || key == "" {
				return nil, fmt.Errorf("front matter line %q is not \"key: value\"", line)
			}
			d.front[key] = strings.TrimSpace(val)
		}
		rest = body
	} else {
		rest = source
	}
	parts, err := parseMarkdown(rest)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, p := range parts {
		s, err := parseHeading(p.heading)
		if err != nil {
			return nil, fmt.Errorf("heading %q: %w", p.heading, err)
		}
		for _, key := range s.keys() {
			if seen[key] {
				return nil, fmt.Errorf("heading %q: there are two sections for %s", p.heading, key)
			}
			seen[key] = true
		}
		s.blocks = p.blocks
		d.sections = append(d.sections, s)
	}
	return d, nil
}

func parseHeading(h string) (section, error) {
	var s section
	for i, part := range strings.Split(h, ";") {
		key, val, ok := strings.Cut(part, ":")
		key = strings.TrimSpace(key)
		list := splitList(val)
		if !ok || key == "" || len(list) == 0 {
			return s, fmt.Errorf("%q is not \"name: value\"", strings.TrimSpace(part))
		}
		switch {
		case i == 0:
			s.kind, s.names = key, list
		case key == "brand":
			s.brands = list
		case key == "actor" && len(list) == 1:
			s.actor = list[0]
		case key == "if" && len(list) == 1 && list[0] == "oauth":
			s.oauth = true
		case key == "if" && len(list) == 1 && list[0] == "grant":
			s.grant = true
		default:
			return s, fmt.Errorf("no condition is called %q", strings.TrimSpace(part))
		}
	}
	return s, nil
}

func splitList(list string) []string {
	var out []string
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (s section) keys() []string {
	brands := s.brands
	if len(brands) == 0 {
		brands = []string{"*"}
	}
	var out []string
	for _, name := range s.names {
		for _, brand := range brands {
			out = append(out, fmt.Sprintf("%s %s, brand %s, actor %q, oauth %v, grant %v",
				s.kind, name, brand, s.actor, s.oauth, s.grant))
		}
	}
	return out
}

// grantCloseness is more than all other conditions together.
const grantCloseness = 8

// holds reports whether s speaks of name in c, and how closely.
func (s section) holds(kind, name string, c cell) (closeness int, ok bool) {
	if s.kind != kind || !slices.Contains(s.names, name) {
		return 0, false
	}
	if len(s.brands) > 0 {
		if !slices.Contains(s.brands, c.brand) {
			return 0, false
		}
		closeness += 4
	}
	if s.actor != "" {
		if s.actor != c.actor {
			return 0, false
		}
		closeness += 2
	}
	if s.oauth {
		if !c.oauth {
			return 0, false
		}
		closeness++
	}
	if s.grant {
		if !c.grant {
			return 0, false
		}
		closeness += grantCloseness
	}
	return closeness, true
}

func (d *document) find(kind, name string, c cell) ([]block, bool) {
	blocks, closeness := d.closest(kind, name, c)
	return blocks, closeness >= 0
}

// closest gives the section that holds most closely; its closeness is -1 if none holds.
func (d *document) closest(kind, name string, c cell) ([]block, int) {
	best := -1
	var blocks []block
	for _, s := range d.sections {
		if closeness, ok := s.holds(kind, name, c); ok && closeness > best {
			best, blocks = closeness, s.blocks
		}
	}
	return blocks, best
}
