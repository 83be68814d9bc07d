package decide

import (
	"regexp"
	"strings"
	"unicode"

	"mailaudit/audit"
	"mailaudit/providers"
)

// Flaw is what in our own data keeps an account from being asked: no server hears its secret, no customer of it.
type Flaw struct {
	Column string
	Said   string // "is neither password nor oauth2"; never the value
	Fix    string
}

// Reason is the flaw as the account's result tells it; "" if there is none.
func (f Flaw) Reason() string {
	if f.Column == "" {
		return ""
	}
	return "our own data: " + f.Column + " " + f.Said
}

const (
	placeholder     = "is a placeholder for no value, such as NULL"
	fixPlaceholder  = "store no value (SQL NULL, or an empty field) where there is none"
	fixStoredSecret = "hand out the secret itself, as the mail server takes it"
)

// FlawOf looks at an account without its secret. Known words have been read already: see audit.ReadAuth.
func FlawOf(acc audit.Account) Flaw {
	for _, field := range []struct{ column, value string }{
		{"address", acc.Address}, {"username", acc.Username}, {"host", acc.Host}, {"security", string(acc.Security)}, {"auth", string(acc.Auth)},
	} {
		switch {
		case isPlaceholder(field.value):
			return Flaw{field.column, placeholder, fixPlaceholder}
		case strings.ContainsFunc(field.value, invisible):
			return Flaw{field.column, "has a control or an invisible character in it", "remove it from the stored value"}
		}
	}
	switch {
	case acc.Auth != audit.AuthPassword && acc.Auth != audit.AuthOAuth2:
		return Flaw{"auth", "is neither password nor oauth2", "store or map it as one of the two"}
	case acc.Security != "" && acc.Security != providers.ImplicitTLS && acc.Security != providers.STARTTLS:
		return Flaw{"security", "is neither tls nor starttls", "store or map it as one of the two, or as NULL for by port"}
	}
	return Flaw{}
}

// ciphers are the beginnings of hashes and ciphertexts that no password has by chance.
var ciphers = []*regexp.Regexp{
	regexp.MustCompile(`^\$(2[abxy]\$[0-9]{2}|argon2(i|d|id)\$v=|scrypt\$|pbkdf2[-a-z0-9]*\$|[156]\$[^$]+\$[./0-9A-Za-z]{22}|[56]\$rounds=|y\$)`),
	regexp.MustCompile(`^(pbkdf2|bcrypt|argon2|scrypt)[a-z0-9_]*\$.*\$`),
	regexp.MustCompile(`^\{(S?SHA(256|512)?|S?MD5|CRYPT|[A-Z0-9]+-CRYPT|BLF-CRYPT|SSHA[0-9]*)\}`),
	regexp.MustCompile(`^gAAAAA[A-Za-z0-9_-]{90,}={0,2}$`), // Fernet
	regexp.MustCompile(`^(U2FsdGVkX1[89+/]|AQICAH|eyJpdiI6|vault:v[0-9]+:|ENC\[|ENC\(|\$ANSIBLE_VAULT;|-----BEGIN PGP MESSAGE)`),
	regexp.MustCompile(`^\{"(p|iv|ct|ciphertext)":".*\}$`),
	regexp.MustCompile(`^\\x([0-9a-f]{2}){16,}$`), // bytea, printed
}

var masked = regexp.MustCompile(`(?i)^([*•●∙·]{3,}|[\[(<{]?(filtered|redacted|masked|hidden|encrypted|removed)[\])>}]|redacted)$`)

// FlawOfSecret looks at an opened secret.
func FlawOfSecret(secret providers.Secret) Flaw {
	value := strings.TrimSpace(secret.Reveal())
	switch {
	case isPlaceholder(value):
		return Flaw{"secret", placeholder, fixPlaceholder}
	case masked.MatchString(value):
		return Flaw{"secret", "is a mask, not a secret", fixStoredSecret}
	}
	for _, cipher := range ciphers {
		if cipher.MatchString(value) {
			return Flaw{"secret", "is a hash or a ciphertext, not a secret", fixStoredSecret}
		}
	}
	return Flaw{}
}

// isPlaceholder knows what exports write for no value.
func isPlaceholder(value string) bool {
	switch strings.ToLower(strings.Trim(value, "()<>[]")) {
	case "null", `\n`, "none", "nil", "undefined", "#n/a", "n/a":
		return true
	}
	return false
}

// invisible reports signs that no stored value has on purpose.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u00a0' || r == '\u2028' || r == '\u2029'
}
