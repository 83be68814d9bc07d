package seal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		`opener`:                            "opener",
		"  /usr/bin/opener \t --quick ":     "/usr/bin/opener|--quick",
		`opener 'two words' "two words"`:    "opener|two words|two words",
		`opener a\ b 'it'\''s' x"y z"w`:     "opener|a b|it's|xy zw",
		`opener '' ""`:                      "opener||",
		`opener "a \"b\" \\ \n" '\n'`:       `opener|a "b" \ \n|\n`,
		`opener $HOME *.json; rm ` + "`id`": "opener|$HOME|*.json;|rm|`id`",
	} {
		got, err := Words(line)
		if diff := cmp.Diff(strings.Split(want, "|"), got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", line, err, diff)
		}
	}
	for line, want := range map[string]string{
		``: "names no program", ` `: "names no program", `''`: "names no program", `a 'b`: "a quote", `a "b\"`: "a quote",
		`a \`: "a backslash", "a\x00b": "NUL",
	} {
		if words, err := Words(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", line, words, err)
		}
	}
}
