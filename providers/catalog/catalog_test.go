package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// A folder with a rules file is a provider, and must be listed.
func TestEveryFolderIsListed(t *testing.T) {
	files, err := filepath.Glob("../*/rules.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no provider folders found: %v", err)
	}
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		if p, ok := catalog.ByName(name); !ok {
			t.Errorf("the folder providers/%s is not listed in All", name)
		} else if _, err := os.Stat(filepath.Join("..", name, name+"_test.go")); err != nil {
			t.Errorf("the folder of %s does not run the suite: %v", p.Title, err)
		}
	}
	if len(files) != len(catalog.All()) {
		t.Errorf("%d providers are listed, %d folders hold one", len(catalog.All()), len(files))
	}
}

func TestNamesAreUnique(t *testing.T) {
	brands := map[string]string{}
	rules := map[string]bool{}
	for _, r := range catalog.Rules() {
		if rules[r.ID] {
			t.Errorf("rule %s is listed twice", r.ID)
		}
		rules[r.ID] = true
	}
	for _, p := range catalog.All() {
		for _, r := range p.Rules.Own() {
			if !strings.HasPrefix(r.ID, p.Name+"/") || !rules[r.ID] {
				t.Errorf("rule %s of %s is not its own, or not listed", r.ID, p.Name)
			}
		}
		for _, b := range p.Brands {
			if brands[b.Name] != "" {
				t.Errorf("brand %s is in %s and in %s", b.Name, brands[b.Name], p.Name)
			}
			brands[b.Name] = p.Name
		}
	}
}

// No name belongs to two brands, whatever the order of the list.
func TestNobodySharesAName(t *testing.T) {
	type set func(providers.Brand) []string
	for what, names := range map[string]set{
		"domain":         func(b providers.Brand) []string { return b.Domains },
		"mail exchanger": func(b providers.Brand) []string { return b.MX },
	} {
		owner := map[string]string{}
		for _, p := range catalog.All() {
			for _, b := range p.Brands {
				for _, n := range names(b) {
					if owner[n] != "" {
						t.Errorf("%s %s belongs to %s and to %s", what, n, owner[n], b.Name)
					}
					owner[n] = b.Name
				}
			}
		}
	}
}

func TestProofs(t *testing.T) {
	tests := []struct {
		provider, brand string
		kind            providers.Kind
		want            providers.Proof
	}{
		{"google", "gmail", providers.KindAppPassword, providers.Proof{TwoFactor: "shown"}},
		{"google", "workspace", providers.KindOrdinary, providers.Proof{SingleFactor: true, TwoFactor: "unknown"}},
		{"microsoft", "m365", providers.KindAppPassword, providers.Proof{TwoFactor: "likely"}},
		{"microsoft", "m365", providers.KindOrdinary, providers.Proof{SingleFactor: true, TwoFactor: "unknown"}},
		{"microsoft", "outlook", providers.KindAppPassword, providers.Proof{SingleFactor: true, TwoFactor: "unknown"}},
		{"yahoo", "aol", providers.KindAppPassword, providers.Proof{TwoFactor: "unknown"}},
		{"yahoo", "att", providers.KindOrdinary, providers.Proof{SingleFactor: true, TwoFactor: "unknown"}},
		{"apple", "icloud", providers.KindAppPassword, providers.Proof{TwoFactor: "shown"}},
		{"zoho", "zoho-eu", providers.KindOrdinary, providers.Proof{SingleFactor: true, TwoFactor: "absent"}},
		{"zoho", "zoho", providers.KindAppPassword, providers.Proof{TwoFactor: "unknown"}},
		{"fastmail", "fastmail", providers.KindOrdinary, providers.Proof{TwoFactor: "unknown"}},
		{"other", "other", providers.KindOrdinary, providers.Proof{Nothing: true, TwoFactor: "unknown"}},
		{"google", "gmail", providers.KindGrant, providers.Proof{TwoFactor: "unknown"}},
	}
	for _, test := range tests {
		p, ok := catalog.ByName(test.provider)
		if !ok {
			t.Fatalf("no provider %s", test.provider)
		}
		b, ok := p.Brand(test.brand)
		if !ok {
			t.Fatalf("no brand %s", test.brand)
		}
		if got := b.Proofs[test.kind]; got != test.want {
			t.Errorf("%s %s: an accepted %s proves %+v, want %+v", test.provider, test.brand, test.kind, got, test.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for name, want := range map[string]string{
		"google/gmail": "smtp.gmail.com:465 (tls)", "google/workspace": "smtp.gmail.com:465 (tls)",
		"microsoft/m365": "smtp.office365.com:587 (starttls)", "microsoft/outlook": "smtp-mail.outlook.com:587 (starttls)",
		"yahoo/yahoo": "smtp.mail.yahoo.com:465 (tls)", "yahoo/aol": "smtp.aol.com:465 (tls)",
		"yahoo/verizon": "smtp.aol.com:465 (tls)", "yahoo/att": "smtp.mail.att.net:465 (tls)",
		"apple/icloud": "smtp.mail.me.com:587 (starttls)", "zoho/zoho": "smtp.zoho.com:465 (tls)",
		"zoho/zoho-organisation-au": "smtppro.zoho.com.au:465 (tls)", "fastmail/fastmail": "smtp.fastmail.com:465 (tls)",
	} {
		provider, brand, _ := strings.Cut(name, "/")
		p, _ := catalog.ByName(provider)
		b, ok := p.Brand(brand)
		if !ok {
			t.Fatalf("no brand %s", name)
		}
		if got, err := b.Complete("", 0, ""); err != nil || got.String() != want {
			t.Errorf("%s is asked at %v (%v), want %s", name, got, err, want)
		}
	}
}
