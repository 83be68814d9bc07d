package main

import (
	"fmt"
	"slices"
	"strings"
)

var languages = []string{"en", "es"}

// screen is a drawing of one screen, as a screens.txt describes it:
//
//	== name: address in the bar, after a ! where it is to be typed
//	# heading in English | in Spanish
//	. text
//	> row of a menu
//	[ label = content of a field
//	( button
//	= code that is shown
//	x ticked box
//	o empty box
//	--
//
// A line of -- stands for a rule. A line that begins with ! is what the reader clicks or fills in. A text
// without | is the same in all languages.
type screen struct {
	Name    string
	Address string
	Typed   bool // the address is what the reader types
	Phone   bool // drawn without an address bar
	Parts   []part
}

type part struct {
	Kind   string
	Text   string
	Value  string
	Marked bool
}

var kinds = map[string]string{
	"#": "heading", ".": "text", ">": "row", "[": "field", "(": "button", "=": "code", "x": "ticked", "o": "empty",
}

func parseScreens(source string) ([]screen, error) {
	var out []screen
	for n, line := range strings.Split(source, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "== "); ok {
			name, address, _ := strings.Cut(name, ":")
			address, typed := strings.CutPrefix(strings.TrimSpace(address), "!")
			address = strings.TrimSpace(address)
			out = append(out, screen{Name: strings.TrimSpace(name), Address: address, Typed: typed, Phone: address == ""})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("line %d stands before the first screen", n+1)
		}
		last := &out[len(out)-1]
		var p part
		if line == "--" {
			last.Parts = append(last.Parts, part{Kind: "rule"})
			continue
		}
		if rest, ok := strings.CutPrefix(line, "!"); ok {
			p.Marked, line = true, strings.TrimSpace(rest)
		}
		kind, text, _ := strings.Cut(line, " ")
		if p.Kind = kinds[kind]; p.Kind == "" {
			return nil, fmt.Errorf("line %d: no part begins with %q", n+1, kind)
		}
		p.Text = text
		if p.Kind == "field" {
			label, val, _ := strings.Cut(text, " = ")
			p.Text, p.Value = label, val
		}
		last.Parts = append(last.Parts, p)
	}
	return out, nil
}

// in gives the screen in one language.
func (s screen) in(language string) screen {
	s.Address = pick(s.Address, language)
	s.Parts = slices.Clone(s.Parts)
	for i, p := range s.Parts {
		s.Parts[i].Text, s.Parts[i].Value = pick(p.Text, language), pick(p.Value, language)
	}
	return s
}

func pick(text, language string) string {
	versions := strings.Split(text, "|")
	if len(versions) < len(languages) {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(versions[slices.Index(languages, language)])
}
