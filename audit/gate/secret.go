package gate

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"mailaudit/audit"
)

// Secret tells why an opened secret cannot be one that a provider ever gave or a person typed: a mask, a hash, a
// ciphertext, a placeholder; "" where it can. It never repeats any of it.
func Secret(secret string) string {
	text := strings.TrimSpace(secret)
	switch {
	case text == "":
		return "" // told apart by the caller: nothing is stored
	case Placeholder(text):
		return "holds a placeholder, such as NULL or None"
	case masked(text), filtered.MatchString(text):
		return "holds a mask in the secret's place"
	case hash.MatchString(text):
		return "holds a hash, which cannot be turned back into a password"
	case cipher.MatchString(text), encrypted(text):
		return "holds a ciphertext; the program that seals it must open it"
	case !utf8.ValidString(secret), strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "holds bytes that are no text; it is still sealed, or another encoding"
	case strings.ContainsAny(secret, "\u200b\u200c\u200d\u2060\ufeff"):
		return "holds an invisible sign"
	}
	return ""
}

// OfSecret is [Secret] as the flaw of an account.
func OfSecret(secret string) audit.Flaw {
	if what := Secret(secret); what != "" {
		return audit.Flaw{Column: "secret", What: what}
	}
	return audit.Flaw{}
}

const (
	maskSigns = "*•●·xX.#_-█"
	maskLeast = 4 // signs of one kind in a row
)

// filtered are words that loggers and exports put in a secret's place.
var filtered = regexp.MustCompile(`(?i)^(?:[\[(<{]+(?:filtered|redacted|masked|hidden|encrypted|removed|secret|password|protected)[\])>}]+|redacted)$`)

// masked knows a run of one sign, and one that leaves the last or the first few signs of the secret.
func masked(text string) bool {
	runes := []rune(text)
	if run := lead(runes); run == len(runes) {
		return run >= maskLeast || strings.ContainsRune("*•●█", runes[0])
	}
	visible := "*•●█" // the other signs begin and end real passwords
	for _, from := range [][]rune{runes, reversed(runes)} {
		if run := lead(from); run >= 3 && strings.ContainsRune(visible, from[0]) && len(runes)-run <= 4 {
			return true
		}
	}
	return false
}

// lead counts the equal mask signs that a text begins with.
func lead(runes []rune) int {
	n := 0
	for n < len(runes) && runes[n] == runes[0] && strings.ContainsRune(maskSigns, runes[0]) {
		n++
	}
	return n
}

func reversed(runes []rune) []rune {
	out := make([]rune, 0, len(runes))
	for i := len(runes) - 1; i >= 0; i-- {
		out = append(out, runes[i])
	}
	return out
}

// hash knows the forms of crypt(3), Django, LDAP (RFC 2307), phpass and MySQL. Bare hexadecimal digits are no
// proof: relays give such passwords.
var hash = regexp.MustCompile(`^(?:\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id|i|d)\$.+|\$(?:1|5|6|y|7|gy|sha1|md5|apr1|scrypt|pbkdf2[a-z0-9-]*)\$.+\$.+|` +
	`\$[PHS]\$[./A-Za-z0-9]{31,}|(?:pbkdf2_sha(?:1|256|512)|bcrypt_sha256|scrypt|argon2|md5|sha1)\$.+\$.+|pbkdf2:sha\d+:\d+\$.+\$.+|scrypt:\d+:.+\$.+|` +
	`\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9-]*|BLF-CRYPT|SHA\d+-CRYPT|ARGON2ID?)\}.+|\*[0-9A-F]{40})$`)

// cipher knows Fernet, age, PGP, Vault's transit engine, Ansible, SOPS, jasypt, Spring's {cipher}, KMS blobs, OpenSSL's "Salted__",
// JWE and Tink's keyset-prefixed base64 of length.
var cipher = regexp.MustCompile(`^(?:gAAAA[A-Za-z0-9_-]{60,}={0,2}|age-encryption\.org/.*|-----BEGIN (?:PGP|AGE|ENCRYPTED)[\s\S]*|vault:v\d+:.+|\$ANSIBLE_VAULT;.*[\s\S]*|ENC\[.+\]|ENC\(.+\)|` +
	`\{cipher\}.+|AQICA[A-Za-z0-9+/]{60,}={0,2}|U2FsdGVkX1[A-Za-z0-9+/]{10,}={0,2}|eyJhbGciOi[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|` +
	`enc:.{8,}|encrypted:.{8,}|[A-Za-z0-9+/]{16,}={0,2}--[A-Za-z0-9+/]{8,}={0,2}--[A-Za-z0-9+/]{8,}={0,2}|[A-Za-z0-9+/=%]{24,}--[0-9a-f]{40}(?:[0-9a-f]{24})?|\\x[0-9a-f]{20,}|Ci[QR][A-Za-z0-9+/]{100,}={0,2})$`)

// encrypted knows what frameworks seal as JSON: Laravel's payload (base64 of iv, value and mac) and Active Record's.
func encrypted(text string) bool {
	if !strings.HasPrefix(text, "{") {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !strings.HasPrefix(string(decoded), "{") {
			return false
		}
		text = string(decoded)
	}
	var fields map[string]any
	if json.Unmarshal([]byte(text), &fields) != nil {
		return false
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := fields[name]; !ok {
				return false
			}
		}
		return true
	}
	return has("iv", "value") || has("p", "h") || has("ciphertext") || has("iv", "data") || has("cipher") || has("iv", "content")
}
