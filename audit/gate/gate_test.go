package gate_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailaudit/audit"
	"mailaudit/audit/gate"
	"mailaudit/providers"
)

func TestWordsThatAreKnownAreReadAndNoOthers(t *testing.T) {
	for word, want := range map[string]audit.Auth{
		"": audit.AuthPassword, "Password": audit.AuthPassword, "app_password": audit.AuthPassword, "APP-PASSWORD ": audit.AuthPassword,
		"OAuth2 ": audit.AuthOAuth2, "XOAUTH2": audit.AuthOAuth2, "oauth": audit.AuthOAuth2, "OAUTHBEARER": audit.AuthOAuth2, "oauth_2.0": audit.AuthOAuth2,
	} {
		if got, ok := gate.Auth(word); !ok || got != want {
			t.Errorf("%q: %q, %v", word, got, ok)
		}
	}
	for _, word := range []string{"plain", "login", "cram-md5", "gssapi", "sso", "oauth1", "2", "token", "pasword"} {
		if got, ok := gate.Auth(word); ok {
			t.Errorf("%q is read as %q", word, got)
		}
	}
	for _, c := range []struct {
		word string
		port int
		want providers.Security
	}{{"SSL", 465, "tls"}, {"SSL/TLS", 0, "tls"}, {"tls", 587, "starttls"}, {"TLS", 465, "tls"}, {"STARTTLS", 587, "starttls"}, {"none", 587, ""}, {"", 25, ""}} {
		if got, ok := gate.Security(c.word, c.port); !ok || got != c.want {
			t.Errorf("%q at %d: %q, %v", c.word, c.port, got, ok)
		}
	}
	for _, word := range []string{"tlsv1", "yes", "true", "plain", "insecure", "465"} {
		if _, ok := gate.Security(word, 0); ok {
			t.Errorf("security %q is read", word)
		}
	}
}

func TestFlawsNameTheirColumn(t *testing.T) {
	good := audit.Account{ID: "a", TenantID: "t", Address: "a@one.example", Host: "smtp.one.example", Port: 465, Security: "ssl", Auth: "xoauth2"}
	if got := gate.Account(good); got.Flaw.Column != "" || got.Auth != audit.AuthOAuth2 || got.Security != providers.ImplicitTLS {
		t.Fatalf("%+v", got)
	}
	for want, spoil := range map[string]func(*audit.Account){
		"auth":       func(a *audit.Account) { a.Auth = "plain" },
		"security":   func(a *audit.Account) { a.Security = "yes" },
		"host":       func(a *audit.Account) { a.Host = "https://smtp.one.example" },
		"host ":      func(a *audit.Account) { a.Host = "smtp.one.example:587" },
		"host  ":     func(a *audit.Account) { a.Host = "NULL" },
		"host   ":    func(a *audit.Account) { a.Host = "smtp_one.example" },
		"host    ":   func(a *audit.Account) { a.Host = "smtp.one.example\u200b.example" },
		"host     ":  func(a *audit.Account) { a.Host = "." },
		"username":   func(a *audit.Account) { a.Username = `\N` },
		"username ":  func(a *audit.Account) { a.Username = "a\u00a0b" },
		"address":    func(a *audit.Account) { a.Address = "front desk" },
		"address ":   func(a *audit.Account) { a.Address = "a\u200b@one.example" },
		"address  ":  func(a *audit.Account) { a.Address = "None" },
		"account_id": func(a *audit.Account) { a.ID = " " },
		"port":       func(a *audit.Account) { a.Port = 70000 },
	} {
		a := good
		spoil(&a)
		got := gate.Account(a).Flaw
		if got.Column != strings.TrimSpace(want) || got.What == "" {
			t.Errorf("%s: %+v", want, got)
		}
	}
	for _, fine := range []audit.Account{
		{ID: "1", Address: "a@one.example"},
		{ID: "1", Address: "x", Username: "AKIAIOSFODNN7EXAMPLE"},
		{ID: "1", Address: "a@bücher.example", Host: "smtp.bücher.example."},
		{ID: "1", Address: " a@one.example ", Host: "192.0.2.7"},
	} {
		if got := gate.Account(fine).Flaw; got.Column != "" {
			t.Errorf("%+v: %+v", fine, got)
		}
	}
}

func TestAContactIsOneAddress(t *testing.T) {
	for value, want := range map[string][2]string{
		"a@x.example": {"a@x.example", ""}, " a@x.example ": {"a@x.example", ""}, "Maria Lopez <maria@z.example>": {"maria@z.example", "Maria Lopez"},
		"a@x.example;": {"a@x.example", ""}, "a@x.example, A@X.example": {"a@x.example", ""}, "<a@x.example>": {"a@x.example", ""},
		"a@x.example; b@x.example": {"a@x.example; b@x.example", ""}, "a@x.example,b@x.example": {"a@x.example,b@x.example", ""},
		"": {"", ""}, "call the desk": {"call the desk", ""},
	} {
		if address, name := gate.Contact(value); address != want[0] || name != want[1] {
			t.Errorf("%q: %q, %q", value, address, name)
		}
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	laravel := base64.StdEncoding.EncodeToString([]byte(`{"iv":"ZGVtb2RlbW8=","value":"c2VjcmV0","mac":"abc","tag":""}`))
	for _, secret := range []string{
		"********", "••••••••", "xxxxxxxx", "----", "****h001", "abcd******", "*", "[FILTERED]", "<redacted>", "REDACTED", "NULL", "None", `\N`, "(null)",
		"$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub",
		"pbkdf2_sha256$260000$salt$hash=", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "$6$rounds=5000$salt$hash", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
		laravel, "gAAAAABl" + strings.Repeat("A", 92) + "==", "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX", "ENC[AES256_GCM,data:x]",
		`{"p":"n7J0/ol+a7DRMeaE","h":{"iv":"DXZMDWUKfp3bg/Yu","at":"X1"}}`, "U2FsdGVkX1+vupppZksvRf5pq5g5XjFRIipRkwB0K1Y=", "-----BEGIN PGP MESSAGE-----\nx",
		"abcdefgh\x00ijklmnop", "abcd\u200befgh", `\x5365616c65642073656372657421`,
	} {
		if gate.Secret(secret) == "" {
			t.Errorf("%q passes", secret)
		}
	}
	for _, secret := range []string{
		"abcdefghijklmnop", "abcd efgh ijkl mnop", "Summer2026!", "***secret***word", "1//0gabcdefghijklmnopqrstuvwxyz-ABC_def", "0.AXoA_abc-def.AgABAAEAAAD",
		"5f4dcc3b5aa765d61d8327deb882cf99", "SG.abc.def", "pass*word", "x", "xx", "päßwörd", "{curly}", "AKIA+base64/signs==", "$1.00 a day", "correct horse",
		"M.C507_BAY.0.U.-Cabc*def!ghi$jkl", "hunter2....", "__init__",
	} {
		if got := gate.Secret(secret); got != "" {
			t.Errorf("%q: %s", secret, got)
		}
	}
}

// Nothing that the gate says repeats a value: it may be a secret in the wrong column.
func TestTheGateRepeatsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := "canary" + rapid.StringMatching(`[ -~\x{200b}\x{0}]{6,30}`).Draw(t, "value")
		a := gate.Account(audit.Account{ID: value, TenantID: value, Address: value, Username: value, Host: value, Auth: audit.Auth(value), Security: providers.Security(value)})
		if said := a.Flaw.Reason() + gate.Secret(value); strings.Contains(said, "canary") {
			t.Fatalf("%q says %q", value, said)
		}
	})
}

type rows struct {
	audit.Accounts
	all []audit.Account
}

func (r rows) AccountsByID(context.Context, []string) ([]audit.Account, error) {
	return slices.Clone(r.all), nil
}
func (r rows) AccountsAfter(context.Context, string, int, string) ([]audit.Account, error) {
	return slices.Clone(r.all), nil
}

func TestARepeatedIDIsOneAccountAndSaysSo(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	s := gate.Source{Accounts: rows{all: []audit.Account{{ID: "a", Address: "a@x.example"}, {ID: "b", Address: "b@x.example"}, {ID: "b", Address: "c@x.example"},
		{ID: "d", Address: "d@x.example", LastSentOKAt: now.Add(20 * time.Hour)}}}, Now: func() time.Time { return now }}
	got, err := s.AccountsByID(t.Context(), nil)
	if err != nil || len(got) != 3 || got[0].Flaw.Column != "" || got[1].Flaw.Column != "account_id" {
		t.Errorf("%+v, %v", got, err)
	}
	if d := got[2]; !d.LastSentOKAt.IsZero() || d.Doubt.Column != "last_sent_ok_at" || d.Flaw.Column != "" {
		t.Errorf("a time that has not come: %+v", d)
	}
	page, err := s.AccountsAfter(t.Context(), "", 10, "")
	if err != nil || len(page) != 4 || page[1].Flaw.Column != "account_id" || page[2].Flaw.Column != "account_id" {
		t.Errorf("%+v, %v", page, err)
	}
}
