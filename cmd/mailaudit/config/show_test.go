package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailaudit/providers"
)

// What config show prints is a configuration with the same effect, but for the secrets that it hides.
func TestWhatIsShownIsReadAgain(t *testing.T) {
	every, _ := readEveryKey(t)
	for name, c := range map[string]*Config{"defaults": Default(), "every key": every} {
		var text bytes.Buffer
		if err := c.Show(&text); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"db-secret", "relay-secret"} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%s: a secret is shown", name)
			}
		}
		f := &configFile{name: "shown", given: map[string]given{}, changed: map[string]bool{},
			surroundings: surroundings{lookupEnv: variables(nil), readFile: readBounded}}
		root, err := f.parse(text.Bytes())
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text.String())
		}
		again := Default()
		if err := f.bind("", root, valueOf(again)); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text.String())
		}
		if diff := cmp.Diff(shownWithoutSecrets(t, c), shownWithoutSecrets(t, again)); diff != "" {
			t.Errorf("%s: (-before +read again)\n%s", name, diff)
		}
		for _, key := range allKeys() {
			if !strings.Contains(text.String(), key[strings.LastIndexByte(key, '.')+1:]+":") {
				t.Errorf("%s: %s is not shown", name, key)
			}
		}
	}
}

func shownWithoutSecrets(t *testing.T, c *Config) string {
	t.Helper()
	var text bytes.Buffer
	if err := c.Show(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestShownDatabaseHasNoPassword(t *testing.T) {
	d := Database{Kind: PostgreSQL, URL: providers.NewSecret("postgres://u:p4ss-one@h/n?sslpassword=p4ss-two&sslmode=verify-full")}
	if got := d.shown(); strings.Contains(got, "p4ss") || !strings.Contains(got, "u:secret@h") || !strings.Contains(got, "sslmode=verify-full") {
		t.Error(got)
	}
}
