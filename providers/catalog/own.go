package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"mailaudit/providers"
)

// Catalog is the providers with the rules in force, and the changes that are announced.
type Catalog struct {
	list    []*providers.Provider // as All has them
	shared  providers.Rules
	changes []providers.Change
	files   []File
}

// BuiltIn returns the catalog of what is part of the program.
var BuiltIn = sync.OnceValue(func() *Catalog {
	return &Catalog{list: All(), shared: providers.CommonRules(), changes: providers.Changes()}
})

// File is an operator's file: rules of a provider or of all (common), or announced changes.
type File struct {
	Name string // for people; what it holds is told by Of
	Of   string // a provider's name, [providers.CommonName], or "changes"
	Text []byte
}

// changesName is what a file of announced changes is of.
const changesName = "changes"

// Open returns the built-in catalog with an operator's folder before it: PROVIDER.yaml and common.yaml hold rules in
// the form of the built-in ones, changes.yaml adds announced changes or overrides them by id. Files whose names begin
// with a dot, folders, and files of other kinds are passed over. The error names the file, and the rule or line.
func Open(dir fs.FS) (*Catalog, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		return nil, fmt.Errorf("the folder cannot be read: %w", err)
	}
	var files []File
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || entry.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			continue
		}
		of, ok := strings.CutSuffix(name, ".yaml")
		if !ok || !isOf(of) {
			return nil, fmt.Errorf("%s is the file of no provider; known are %s", name, strings.Join(fileNames(), ", "))
		}
		text, err := fs.ReadFile(dir, name) // follows links: Kubernetes mounts files as such
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, File{Name: name, Of: of, Text: text})
	}
	return withFiles(files)
}

// With returns the catalog with more files before those that it has. A file takes the place of one of its name.
func (cat *Catalog) With(files ...File) (*Catalog, error) {
	kept := slices.DeleteFunc(slices.Clone(cat.files), func(f File) bool {
		return slices.ContainsFunc(files, func(more File) bool { return more.Name == f.Name })
	})
	return withFiles(slices.Concat(files, kept))
}

func withFiles(files []File) (*Catalog, error) {
	cat := &Catalog{changes: providers.Changes(), files: files}
	rules := map[string][]providers.Rule{}
	for _, f := range files {
		var more []providers.Rule
		var err error
		if f.Of == changesName {
			cat.changes, err = amendedChanges(cat.changes, f.Text)
		} else {
			more, err = providers.ParseOwnRules(f.Of, f.Name, f.Text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, r := range more { // of two files the first has its say
			if !slices.ContainsFunc(rules[f.Of], func(have providers.Rule) bool { return have.ID == r.ID }) {
				rules[f.Of] = append(rules[f.Of], r)
			}
		}
	}
	shared := rules[providers.CommonName]
	cat.shared = providers.CommonRules().Amended(shared, nil)
	for _, p := range All() {
		amended := *p
		amended.Rules = p.Rules.Amended(rules[p.Name], shared)
		cat.list = append(cat.list, &amended)
	}
	return cat, nil
}

// reRuleID finds the provider in the first rule of a file whose name does not tell it.
var reRuleID = regexp.MustCompile(`(?m)^[ -]*\bid:[ "']*([a-z]+)/`)

// FileOf returns a file with what it is of: by its name, else by the ids of its rules.
func FileOf(name string, text []byte) (File, error) {
	f := File{Name: path.Base(name), Of: strings.TrimSuffix(path.Base(name), ".yaml"), Text: text}
	if isOf(f.Of) {
		return f, nil
	}
	if m := reRuleID.FindSubmatch(text); m != nil {
		f.Of = string(m[1])
	}
	if !isOf(f.Of) {
		return f, fmt.Errorf("%s: neither its name nor its rules' ids tell whose rules it has; known are %s", f.Name, strings.Join(fileNames(), ", "))
	}
	return f, nil
}

func isOf(name string) bool {
	_, known := ByName(name)
	return known || name == providers.CommonName || name == changesName
}

// amendedChanges are the changes of a list with the operator's, each of a provider and brands that are known.
func amendedChanges(list []providers.Change, text []byte) ([]providers.Change, error) {
	list, err := providers.AmendChanges(list, text)
	for _, c := range list {
		p, known := ByName(c.Provider)
		if !known {
			return nil, fmt.Errorf("read changes: %s: provider %q is not known", c.ID, c.Provider)
		}
		for _, b := range c.Brands {
			if _, known := p.Brand(b); !known {
				return nil, fmt.Errorf("read changes: %s: %s has no brand %q", c.ID, c.Provider, b)
			}
		}
	}
	return list, err
}

// fileNames are the names that an operator's files may have.
func fileNames() (names []string) {
	for _, p := range All() {
		names = append(names, p.Name+".yaml")
	}
	return append(names, providers.CommonName+".yaml", changesName+".yaml")
}

// All returns every provider, the one for everybody else last.
func (cat *Catalog) All() []*providers.Provider { return slices.Clone(cat.list) }

// ByName returns the provider of that name.
func (cat *Catalog) ByName(name string) (*providers.Provider, bool) {
	for _, p := range cat.list {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// Resolver finds an account's provider among all; see [providers.Resolver] for lookupMX.
func (cat *Catalog) Resolver(lookupMX func(ctx context.Context, domain string) ([]string, error)) *providers.Resolver {
	return &providers.Resolver{Providers: cat.All(), Other: cat.list[len(cat.list)-1], LookupMX: lookupMX}
}

// Resolver finds an account's provider by the built-in catalog.
func Resolver(lookupMX func(ctx context.Context, domain string) ([]string, error)) *providers.Resolver {
	return BuiltIn().Resolver(lookupMX)
}

// Rules returns every rule once, the shared ones last.
func (cat *Catalog) Rules() []providers.Rule {
	var all []providers.Rule
	for _, p := range cat.list {
		all = append(all, p.Rules.Own()...)
	}
	return append(all, cat.shared.Own()...)
}

// Rules returns every built-in rule once, the shared ones last.
func Rules() []providers.Rule { return BuiltIn().Rules() }

// Shared returns the rules of no single provider, by which a relay's words are read.
func (cat *Catalog) Shared() providers.Rules { return cat.shared }

// Changes lists what is announced, by day.
func (cat *Catalog) Changes() []providers.Change { return slices.Clone(cat.changes) }

// Files lists the operator's files that were read.
func (cat *Catalog) Files() []File { return slices.Clone(cat.files) }

// Rule returns the rule of an id.
func (cat *Catalog) Rule(id string) (providers.Rule, bool) {
	for _, r := range cat.Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return providers.Rule{}, false
}

// Basis returns how the rule of an id reads a reply; "" where there is none, or no more.
func (cat *Catalog) Basis(id string) providers.Basis {
	if providers.IsFault(id) {
		return providers.BasisFault
	}
	r, ok := cat.Rule(id)
	if !ok {
		return ""
	}
	return r.Basis()
}
