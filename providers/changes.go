package providers

import (
	"bytes"
	_ "embed"
	"fmt"
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
	Source   string    // who says so
	Seen     string    // when the source was read
}

// Changes lists what is announced, by day. Nobody changes the list.
var Changes = sync.OnceValue(func() []Change {
	list, err := parseChanges(changesYAML)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return list
})

func parseChanges(file []byte) ([]Change, error) {
	var written []struct {
		ID       string   `yaml:"id"`
		Title    string   `yaml:"title"`
		Provider string   `yaml:"provider"`
		Brands   []string `yaml:"brands"`
		Auth     string   `yaml:"auth"`
		Day      string   `yaml:"day"`
		Source   string   `yaml:"source"`
		Seen     string   `yaml:"seen"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(file), yaml.Strict()).Decode(&written); err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	var list []Change
	for _, w := range written {
		day, err := time.Parse(time.DateOnly, w.Day)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read changes: %s: %w", w.ID, err)
		case w.ID == "" || strings.Trim(w.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return nil, fmt.Errorf("read changes: id %q is not of lower-case words", w.ID)
		case w.Auth != "password":
			return nil, fmt.Errorf("read changes: %s: auth %q is not password, the one way that ends", w.ID, w.Auth)
		case w.Title == "" || w.Provider == "" || w.Source == "" || !isDate(w.Seen):
			return nil, fmt.Errorf("read changes: %s has no title, provider, source or date", w.ID)
		case slices.ContainsFunc(list, func(c Change) bool { return c.ID == w.ID }):
			return nil, fmt.Errorf("read changes: %s is there twice", w.ID)
		}
		list = append(list, Change{ID: w.ID, Title: w.Title, Provider: w.Provider, Brands: w.Brands, Day: day, Source: w.Source, Seen: w.Seen})
	}
	slices.SortStableFunc(list, func(a, b Change) int { return a.Day.Compare(b.Day) })
	return list, nil
}
