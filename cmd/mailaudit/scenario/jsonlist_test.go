package scenario

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestListsAreOneDocument: whatever lists in JSON gives an array, also of nothing.
func TestListsAreOneDocument(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.install(
		row{"account_id": "a", "tenant_id": "T-1", "address": "a@gmail.com", "secret": "pw"},
		row{"account_id": "b", "tenant_id": "T-2", "address": "b@gmail.com", "secret": "pw"},
	)
	for _, tt := range []struct {
		args  string
		least int
		key   string
	}{
		{"accounts list", 2, "account_id"},
		{"accounts list --tenant T-2", 1, "account_id"},
		{"accounts list --tenant nobody", 0, ""},
		{"notices list", 0, ""},
		{"rules list", 50, "id"},
		{"runs list", 0, ""},
		{"findings list", 0, ""},
	} {
		var list []map[string]any
		text := s.done(append(strings.Fields(tt.args), "--format", "json")...)
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Errorf("%s: %v: %.80q", tt.args, err, text)
			continue
		}
		if list == nil || len(list) < tt.least || tt.least < 3 && len(list) != tt.least {
			t.Errorf("%s: %d elements: %.80q", tt.args, len(list), text)
		}
		for _, element := range list {
			if element[tt.key] == nil {
				t.Errorf("%s: no %s in %v", tt.args, tt.key, element)
			}
		}
	}
}
