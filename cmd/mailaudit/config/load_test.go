package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mailaudit/providers"
)

// compareConfig looks into secrets, zones and unexported fields as the program sees them.
var compareConfig = cmp.Options{
	cmpopts.IgnoreUnexported(Config{}),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b RelayURL) bool { return a == b }),
}

func variables(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func load(t *testing.T, text string, env map[string]string) (*Config, error) {
	t.Helper()
	return parseText("mailaudit.yaml", []byte(text), surroundings{lookupEnv: variables(env), readFile: readBounded})
}

// The ports that accounts may name are limited, unless the accounts' servers are the operator's own.
func TestPortsOfAccounts(t *testing.T) {
	usual := []int{25, 465, 587, 2525, 26}
	for text, want := range map[string][]int{
		"window: 3h":                                   usual,
		"network: {allow_private: true}":               nil,
		"network: {ports: [587]}":                      {587},
		"network: {ports: []}":                         nil,
		"network: {allow_private: true, ports: [465]}": {465},
	} {
		c, err := load(t, text, nil)
		if err != nil || !slices.Equal(c.Network.Ports, want) {
			t.Errorf("%s: %v, %v, want %v", text, c.Network.Ports, err, want)
		}
	}
	for _, text := range []string{"network: {ports: [0]}", "network: {ports: [70000]}", "network: {deny: [10.0.0.0]}", "network: {deny: [10.0.0.0/40]}"} {
		if _, err := load(t, text, nil); err == nil || !strings.Contains(err.Error(), "network.") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestNothingGivenIsTheDefaults(t *testing.T) {
	c, err := Load("", variables(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c, compareConfig); diff != "" {
		t.Error(diff)
	}
	if got := c.FingerprintSource().String(); got != "file:fingerprint.json" {
		t.Errorf("fingerprint key from %s", got)
	}
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "relay:\nnotices:\n  only:\n", "\ufeffrelay:\r\n"} {
		c, err := load(t, text, nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if diff := cmp.Diff(Default(), c, compareConfig); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// The example is what operators copy: it must name every key, and say of each what the program does.
func TestExampleIsTheDefaults(t *testing.T) {
	path := filepath.Join("..", "..", "..", "deploy", "mailaudit.example.yaml")
	c, err := Load(path, variables(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c, compareConfig); diff != "" {
		t.Error(diff)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	given := keysGiven(t, string(data))
	for _, key := range allKeys() {
		if !given[someProvider(key)] {
			t.Errorf("the example does not name %s", key)
		}
	}
}

// someProvider puts a provider that has the key in the place of NAME.
func someProvider(key string) string {
	name := "google"
	if strings.Contains(key, ".oauth.aol.") {
		name = "yahoo"
	}
	return strings.Replace(key, ".NAME.", "."+name+".", 1)
}

// keysGiven lists the keys that stand in a file.
func keysGiven(t *testing.T, text string) map[string]bool {
	t.Helper()
	f := &configFile{name: "x", given: map[string]given{}, changed: map[string]bool{},
		surroundings: surroundings{lookupEnv: func(string) (string, bool) { return "1", true }, readFile: readBounded}}
	root, err := f.parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.bind("", root, valueOf(Default())); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for key := range f.given {
		keys[key] = true
	}
	return keys
}

// allKeys walks Config.
func allKeys() (keys []string) {
	var walk func(string, reflect.Type)
	walk = func(key string, v reflect.Type) {
		for i := range v.NumField() {
			field := v.Field(i)
			name := field.Tag.Get("yaml")
			switch {
			case name == "":
				continue
			case field.Type.Kind() == reflect.Map && field.Type.Elem().Kind() == reflect.Struct:
				walk(join(key, name)+".NAME", field.Type.Elem())
			case field.Type.Kind() == reflect.Struct && field.Type.Field(0).Tag.Get("yaml") != "":
				walk(join(key, name), field.Type)
			default:
				keys = append(keys, join(key, name))
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	return keys
}

func TestSubstitution(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	// Signs that would mean something to YAML, to URLs or to the substitution itself.
	const odd = `p: "#'{}${OTHER} $${X} ä` + "\t"
	if err := os.WriteFile(file, []byte(odd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"N": "7", "RATE": "30/m", "YES": "true", "EMPTY": "", "ODD": odd, "ID": "4711", "HALF": "half"}
	c, err := load(t, `
providers: {google: {max_concurrency: "${N}", max_rate: "${RATE}", canaries: {good: ["${ID}", "x${ID}y"]}}}
network: {allow_private: "${YES}"}
attempts_per_day: ${N}
relay: {username: "me", password: "${file:`+file+`}", url: "smtp://mail.example.com"}
installation: "${EMPTY}"
slack: {token: "${ODD}", channel: ops}
notices: {support: "$${HALF} ${HALF} $$ $5 {x}"}
`, env)
	if err != nil {
		t.Fatal(err)
	}
	google := c.Providers["google"]
	checks := []struct {
		what      string
		got, want any
	}{
		{"number", google.MaxConcurrency, 7},
		{"number, unquoted", c.AttemptsPerDay, 7},
		{"rate", google.MaxRate, Rate{30, time.Minute}},
		{"truth", c.Network.AllowPrivate, true},
		{"in lists", strings.Join(google.Canaries.Good, " "), "4711 x4711y"},
		{"from a file", c.Relay.Password.Reveal(), odd},
		{"from the environment", c.Slack.Token.Reveal(), odd},
		{"empty", c.Installation, ""},
		{"plain", c.Notices.Support, "${HALF} half $$ $5 {x}"},
	}
	for _, check := range checks {
		if check.got != check.want {
			t.Errorf("%s: %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestDatabaseVariableOverrides(t *testing.T) {
	c, err := load(t, "database: sqlite:a.db\n", map[string]string{"MAILAUDIT_DATABASE": "sqlite:b.db"})
	if err != nil || c.Database.Path != "b.db" {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = load(t, "database: sqlite:a.db\n", map[string]string{"MAILAUDIT_DATABASE": "mysql://root:canary-pw@x/y"})
	want := "MAILAUDIT_DATABASE: the value is neither sqlite:PATH nor postgres://user@host:5432/name"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestConfigVariableNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.WriteFile(path, []byte("installation: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load("", variables(map[string]string{"MAILAUDIT_CONFIG": path}))
	if err != nil || c.Installation != "here" {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = Load(path+".gone", variables(nil))
	var fault *Error
	if !errors.As(err, &fault) || !strings.HasSuffix(err.Error(), ".gone: read the configuration: no such file or directory") {
		t.Errorf("missing file: %v", err)
	}
}
