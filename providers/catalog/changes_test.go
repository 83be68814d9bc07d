package catalog_test

import (
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

func TestChangesNameWhatIsThere(t *testing.T) {
	if len(providers.Changes()) == 0 {
		t.Fatal("no change is announced")
	}
	for _, c := range providers.Changes() {
		p, ok := catalog.ByName(c.Provider)
		if !ok {
			t.Errorf("%s: no provider %s", c.ID, c.Provider)
			continue
		}
		for _, b := range c.Brands {
			if _, ok := p.Brand(b); !ok {
				t.Errorf("%s: %s has no brand %s", c.ID, p.Title, b)
			}
		}
	}
}
