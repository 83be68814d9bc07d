package providers

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed changes.yaml
var changesYAML []byte

// Change is a way of signing in that a provider will end on a known day.
type Change struct {
	ID       string    // "microsoft-basic-auth"
	Title    string    // for operations
	Provider string    // whose mailboxes are concerned
	Brands   []string  // and of which of its brands; none: of all
	Day      time.Time // the last day in UTC on which it works, at its start
	Reply    string    // with which refusal the provider will answer from then on, as far as is known; "": not known
	Source   string    // who says so
	Seen     string    // when the source was read
}

// Changes lists what is announced, by day. Nobody changes the list.
var Changes = sync.OnceValue(func() []Change {
	list, err := AmendChanges(nil, changesYAML)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return list
})

// AmendChanges returns announced changes by day, with those of a file added. A change of the file that has the id of
// one of the list overrides what it states of it, and keeps the rest.
func AmendChanges(list []Change, file []byte) ([]Change, error) {
	var written []writtenChange
	err := yaml.NewDecoder(bytes.NewReader(file), yaml.Strict()).Decode(&written)
	if errors.Is(err, io.EOF) { // comments alone
		return list, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", yamlFault(err))
	}
	list = slices.Clone(list)
	seen := map[string]bool{}
	for _, w := range written {
		at := slices.IndexFunc(list, func(c Change) bool { return c.ID == w.ID })
		var c Change
		if at >= 0 {
			c = list[at]
		}
		if seen[w.ID] {
			return nil, fmt.Errorf("read changes: %s is there twice", w.ID)
		}
		seen[w.ID] = true
		if c, err = w.over(c); err != nil {
			return nil, fmt.Errorf("read changes: %w", err)
		}
		if at >= 0 {
			list[at] = c
		} else {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Change) int { return a.Day.Compare(b.Day) })
	return list, nil
}

// writtenChange is a change as a file has it.
type writtenChange struct {
	ID       string   `yaml:"id"`
	Title    string   `yaml:"title"`
	Provider string   `yaml:"provider"`
	Brands   []string `yaml:"brands"`
	Auth     string   `yaml:"auth"`
	Day      string   `yaml:"day"`
	Reply    string   `yaml:"reply"`
	Source   string   `yaml:"source"`
	Seen     string   `yaml:"seen"`
}

// over returns c, the zero value if there is none yet, with what is written in the place of what it has.
func (w writtenChange) over(c Change) (Change, error) {
	if w.Auth == "" && c.ID != "" {
		w.Auth = "password"
	}
	if w.Day == "" && c.ID != "" {
		w.Day = c.Day.Format(time.DateOnly)
	}
	day, err := time.Parse(time.DateOnly, w.Day)
	if w.Brands == nil {
		w.Brands = c.Brands
	}
	c = Change{ID: w.ID, Title: cmp.Or(w.Title, c.Title), Provider: cmp.Or(w.Provider, c.Provider), Brands: w.Brands,
		Day: day, Reply: cmp.Or(w.Reply, c.Reply), Source: cmp.Or(w.Source, c.Source), Seen: cmp.Or(w.Seen, c.Seen)}
	switch {
	case w.ID == "" || strings.Trim(w.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return c, fmt.Errorf("id %q is not of lower-case words", w.ID)
	case err != nil:
		return c, fmt.Errorf("%s: day %q is not a date such as 2026-12-31", w.ID, w.Day)
	case w.Auth != "password":
		return c, fmt.Errorf("%s: auth %q is not password, the one way that ends", w.ID, w.Auth)
	case c.Title == "" || c.Provider == "" || c.Source == "":
		return c, fmt.Errorf("%s has no title, provider or source", w.ID)
	case !isDate(c.Seen):
		return c, fmt.Errorf("%s: seen %q is not a date such as 2026-03-15", w.ID, c.Seen)
	}
	return c, nil
}
