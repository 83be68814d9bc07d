package app

import (
	"testing"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/config"
)

// Refresh tokens are renewed only where they can be sealed and the table is ours.
func TestWhoKeepsGrants(t *testing.T) {
	ownKeyset := config.KeySource{Kind: "file", Value: "keyset.json"}
	for _, tt := range []struct {
		name   string
		config config.Config
		want   bool
	}{
		{"our table and keyset", config.Config{Keyset: ownKeyset}, true},
		{"the product's table", config.Config{Keyset: ownKeyset, Accounts: config.Accounts{Relation: "product.mail_accounts"}}, false},
		{"the product's seal", config.Config{Keyset: config.KeySource{Kind: "none"}}, false},
	} {
		a := App{Setup: &Setup{Config: &tt.config}, Parts: Parts{Store: neverUsed{}}}
		if got := a.grants() != audit.Grants(nil); got != tt.want {
			t.Errorf("%s: grants are kept: %v", tt.name, got)
		}
	}
}

type neverUsed struct{ Storage }
