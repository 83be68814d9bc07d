// Package catalog is the one list of all providers. A new provider is a folder beside this one and a line here;
// a test fails for a folder that is not listed.
package catalog

import (
	"mailaudit/providers"
	"mailaudit/providers/apple"
	"mailaudit/providers/fastmail"
	"mailaudit/providers/google"
	"mailaudit/providers/microsoft"
	"mailaudit/providers/other"
	"mailaudit/providers/yahoo"
	"mailaudit/providers/zoho"
)

// All returns every provider, the one for everybody else last.
func All() []*providers.Provider {
	return []*providers.Provider{
		&google.Provider,
		&microsoft.Provider,
		&yahoo.Provider,
		&apple.Provider,
		&zoho.Provider,
		&fastmail.Provider,
		&other.Provider,
	}
}

// ByName returns the provider of that name.
func ByName(name string) (*providers.Provider, bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}
