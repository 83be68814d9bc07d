package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
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
	files   []string
}

// BuiltIn returns the catalog of what is part of the program.
var BuiltIn = sync.OnceValue(func() *Catalog {
	return &Catalog{list: All(), shared: providers.CommonRules(), changes: providers.Changes()}
})

// ChangesFile is the operator's file of announced changes.
const ChangesFile = "changes.yaml"

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
	cat := &Catalog{changes: providers.Changes()}
	rules := map[string][]providers.Rule{}
	for _, entry := range entries {
		file := entry.Name()
		if strings.HasPrefix(file, ".") || entry.IsDir() || path.Ext(file) != ".yaml" && path.Ext(file) != ".yml" {
			continue
		}
		text, err := fs.ReadFile(dir, file) // follows links: Kubernetes mounts files as such
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if file == ChangesFile {
			cat.changes, err = amendedChanges(text)
		} else {
			name := strings.TrimSuffix(file, ".yaml")
			if _, known := ByName(name); !known && name != providers.CommonName {
				return nil, fmt.Errorf("%s is the file of no provider; known are %s", file, strings.Join(fileNames(), ", "))
			}
			rules[name], err = providers.ParseOwnRules(name, file, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		cat.files = append(cat.files, file)
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

// amendedChanges are the built-in changes with the operator's, each of a provider and brands that are known.
func amendedChanges(text []byte) ([]providers.Change, error) {
	list, err := providers.AmendChanges(providers.Changes(), text)
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
	return append(names, providers.CommonName+".yaml", ChangesFile)
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

// Files lists the operator's files that were read, by name.
func (cat *Catalog) Files() []string { return slices.Clone(cat.files) }
