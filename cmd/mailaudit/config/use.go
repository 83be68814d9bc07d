package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"

	"mailaudit/providers/catalog"
)

// PerSecond is the rate as a number a second.
func (r Rate) PerSecond() float64 {
	if r.Per == 0 {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// String is the relay's URL without user name and password.
func (r RelayURL) String() string {
	scheme := map[string]string{RelayStartTLS: "smtp", RelayTLS: "smtps", RelayPlain: "smtp+insecure"}[r.Security]
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(r.Host, strconv.Itoa(r.Port))}).String()
}

// Elsewhere reports whether the accounts are not in the program's own table.
func (c *Config) Elsewhere() bool { return c.Accounts.Relation != "" || c.Accounts.Database.Kind != "" }

// ProductSeals reports whether stored secrets are sealed by the product in its own way, so that we can open
// them by its help and cannot seal any.
func (c *Config) ProductSeals() bool { return c.Keyset.Kind != "file" && c.Keyset.Kind != "env" }

// FingerprintSource is where the key of fingerprints comes from: as configured, else beside the keyset.
func (c *Config) FingerprintSource() KeySource {
	if c.FingerprintKey.Kind != "" || c.Keyset.Kind != "file" {
		return c.FingerprintKey
	}
	return KeySource{Kind: "file", Value: filepath.Join(filepath.Dir(c.Keyset.Value), "fingerprint.json")}
}

// Rules are the providers with the rules in force: the built-in ones, and those of rules_dir before them.
func (c *Config) Rules() *catalog.Catalog {
	if c.rules == nil {
		return catalog.BuiltIn()
	}
	return c.rules
}

// Clients are the OAuth clients of a provider by brand, "" being the provider's own.
func (o OAuth) Clients() map[string]OAuthClient {
	return map[string]OAuthClient{
		"":    {ClientID: o.ClientID, ClientSecret: o.ClientSecret, TokenURL: o.TokenURL, SecretExpires: o.SecretExpires},
		"aol": o.AOL,
	}
}

// OAuthKey is where a brand's client stands under a provider's key.
func OAuthKey(provider, brand string) string {
	if brand == "" {
		return provider + ".oauth"
	}
	return provider + ".oauth." + brand
}
