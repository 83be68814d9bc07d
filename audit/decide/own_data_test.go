package decide

import (
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
)

func TestAFlawOfAnAccountNamesItsColumn(t *testing.T) {
	for column, accounts := range map[string][]audit.Account{
		"":         {{}, {Auth: "XOAUTH2"}, {Auth: "OAuth 2.0"}, {Auth: "plain"}, {Security: "SSL/TLS", Port: 465}, {Security: "none"}, {Security: "tls", Port: 587}},
		"auth":     {{Auth: "kerberos"}, {Auth: "token"}, {Auth: "2"}, {Auth: "NULL"}, {Auth: "oauth1"}},
		"security": {{Security: "yes"}, {Security: "1"}, {Security: `\N`}, {Security: "tls1.2"}},
		"username": {{Username: "NULL"}, {Username: "(null)"}, {Username: "Nil"}, {Username: "#N/A"}, {Username: "a\u200b@b.example"}, {Username: "a\u00a0b"}},
		"host":     {{Host: "None"}, {Host: "undefined"}, {Host: "smtp.gmail.com\r"}, {Host: "smtp\ufeff.gmail.com"}},
	} {
		for _, acc := range accounts {
			acc.Address = "front@clinic.example"
			acc.Auth, acc.Security = audit.ReadAuth(string(acc.Auth)), audit.ReadSecurity(string(acc.Security), acc.Port)
			if got := FlawOf(acc); got.Column != column {
				t.Errorf("auth %q, security %q, username %q, host %q: flaw %+v, want it in %q", acc.Auth, acc.Security, acc.Username, acc.Host, got, column)
			}
		}
	}
}

func TestWhatCannotBeASecretIsKnown(t *testing.T) {
	for _, value := range []string{
		"********", "••••••", "[FILTERED]", "<redacted>", "NULL", `\N`, "undefined",
		"$2b$12$" + strings.Repeat("a", 53), "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "$6$salt$" + strings.Repeat("b", 86), "pbkdf2_sha256$600000$salt$hash=",
		"{SSHA}" + strings.Repeat("c", 32), "gAAAAA" + strings.Repeat("d", 94), "U2FsdGVkX1+" + strings.Repeat("e", 30), "vault:v1:abcd", "ENC[AES256_GCM,data:x]",
		`{"p":"abc","h":{"iv":"x","at":"y"}}`, `\x` + strings.Repeat("0f", 40),
	} {
		if FlawOfSecret(providers.NewSecret(value)).Column != "secret" {
			t.Errorf("%q passes for a secret", value)
		}
	}
	for _, value := range []string{
		"abcdefghijklmnop", "abcd efgh ijkl mnop", "null-pointer", "**", "Pa$$w0rd", "$2b-or-not", "{curly}", "redacted!", "1//0gRefresh-Token", "hidden", "xxxxxxxx",
		strings.Repeat("0123456789abcdef", 2), "gAAAAAshort", "M.C5-" + strings.Repeat("x", 300), "$1$ for a dollar", "$5$off$", "vault:v",
	} {
		if f := FlawOfSecret(providers.NewSecret(value)); f.Column != "" {
			t.Errorf("%q is no secret: %s", value, f.Reason())
		}
	}
}
