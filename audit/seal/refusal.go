package seal

import "strings"

// refusals are the codes by which an opener's error is known, each with the words that stand for it.
var refusals = []struct {
	code  string
	words []string
}{
	{"denied", []string{"denied", "forbidden", "not authorized", "unauthorized", "permission"}},
	{"unavailable", []string{"timeout", "timed out", "unavailable", "connection", "try again"}},
	{"damaged", []string{"decrypt", "mac", "tag", "padding", "corrupt", "damaged", "integrity"}},
	{"no_key", []string{"key"}},
	{"unknown_form", []string{"base64", "format", "form", "version", "json", "parse", "encoding"}},
}

// refusalCode makes a code of an opener's error. Its text goes nowhere: whoever opens secrets may put one into it.
func refusalCode(text string) string {
	text = strings.ToLower(strings.ReplaceAll(text, "_", " "))
	for _, r := range refusals {
		for _, w := range r.words {
			if strings.Contains(text, w) {
				return r.code
			}
		}
	}
	return "other"
}
