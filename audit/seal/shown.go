package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
)

// maxShown bounds how much of an opener's text an error repeats.
const maxShown = 200

// shown makes an opener's error fit to be shown: one short line, and nothing of it where it repeats the
// stored secret in one of the forms that programs print.
func shown(text string, sealed []byte) string {
	if repeats(text, sealed) {
		return "(its text repeats what is stored and is not shown)"
	}
	line := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if line == "" {
		return "(without a reason)"
	}
	if runes := []rune(line); len(runes) > maxShown {
		return string(runes[:maxShown]) + "..."
	}
	return line
}

func repeats(text string, sealed []byte) bool {
	quoted, _ := json.Marshal(string(sealed))
	for _, form := range []string{
		string(sealed),
		string(bytes.TrimSpace(sealed)),
		strings.Trim(string(quoted), `"`),
		base64.RawStdEncoding.EncodeToString(sealed),
		base64.RawURLEncoding.EncodeToString(sealed),
		hex.EncodeToString(sealed),
	} {
		if form != "" && strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}
