package scenario

import (
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// The exit codes that scripts rely on.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("good@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", TwoFactor: true})
	s.install(
		row{"account_id": "good", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop"},
		row{"account_id": "bad", "tenant_id": "T-1", "address": "bad@gmail.com", "secret": "abcdefghijklmnop"},
	)
	tests := []struct {
		name string
		args []string
		code int
		says string // on standard error; "" for nothing
	}{
		{"version", []string{"version"}, 0, ""},
		{"no run yet", []string{"report"}, 1, "mailaudit run starts one"},
		{"a dry run", []string{"run", "--dry-run"}, 0, ""},
		{"a night", []string{"run", "--key", "first"}, 0, ""},
		{"the same night again", []string{"run", "--key", "first"}, 0, ""},
		{"its report", []string{"report", "first"}, 0, ""},
		{"unknown run", []string{"report", "second"}, 1, `"second"`},
		{"notices of an unknown run", []string{"notices", "list", "--run", "second"}, 1, `"second"`},
		{"a refused account", []string{"check", "bad"}, 0, ""},
		{"an unknown account", []string{"check", "nobody"}, 1, `"nobody": no such account; mailaudit accounts list`},
		{"removing an unknown account", []string{"accounts", "remove", "nobody"}, 1, "nobody"},
		{"a guide", []string{"guide", "google"}, 0, ""},
		{"rules", []string{"rules", "list"}, 0, ""},
		{"nothing to deliver", []string{"deliver"}, 0, ""},
		{"evidence of no night", []string{"evidence", "--from", "2001-01-01", "--to", "2001-01-31", "--out", s.path("none.zip")}, 0, "no run started from 2001-01-01 to 2001-01-31"},
		{"help", []string{"--help"}, 0, ""},
		{"the word help", []string{"help"}, 0, ""},
		{"help on a command of a command", []string{"help", "notices", "release"}, 0, ""},
		{"help on no command", []string{"help", "audit"}, 2, "mailaudit help lists the commands"},
		{"unknown command", []string{"audit"}, 2, "audit"},
		{"unknown flag", []string{"run", "--fast"}, 2, "--fast"},
		{"unknown level", []string{"--log-level", "loud", "version"}, 2, "log-level"},
		{"bad key", []string{"run", "--key", "../x"}, 2, "--key"},
		{"unknown provider", []string{"run", "--provider", "gmx"}, 2, "gmx"},
		{"unknown verdict", []string{"accounts", "list", "--verdict", "fine"}, 2, "fine"},
		{"unknown state", []string{"notices", "list", "--state", "lost"}, 2, "lost"},
		{"no keyset to look at", []string{"keys", "status", "/nowhere/keyset.json"}, 2, "keys new"},
		{"no keyset to rotate", []string{"keys", "rotate", "/nowhere/keyset.json"}, 2, "keys new"},
		{"no keyset to change", []string{"keys", "destroy", "5", "/nowhere/keyset.json"}, 2, "keys new"},
		{"no such file to import", []string{"accounts", "import", "/nowhere/accounts.csv"}, 2, "accounts.csv"},
	}
	for _, tt := range tests {
		o := s.do(append([]string{"--log-level", "error"}, tt.args...)...)
		if o.code != tt.code {
			t.Errorf("%s: exit %d, want %d: %s", tt.name, o.code, tt.code, o.stderr)
		}
		if tt.name == "a dry run" && (!strings.Contains(o.stdout, "Dry run: nothing was e-mailed or posted") || strings.Contains(o.stdout, "notices.mode")) {
			t.Errorf("%s: %s", tt.name, o.stdout)
		}
		if tt.says == "" && o.stderr != "" || !strings.Contains(o.stderr, tt.says) {
			t.Errorf("%s: said %q", tt.name, o.stderr)
		}
		if tt.code != 0 && strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%s: an error is one line, not %q", tt.name, o.stderr)
		}
	}
	s.leftClean()
}

// What is wrong with the configuration ends everything before it begins, with its line where there is one.
func TestConfigurationErrorsExitWith2(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, key, value, want string }{
		{"unknown key", "databse", "sqlite:x.db", "databse"},
		{"wrong type", "attempts_per_day", "often", "attempts_per_day"},
		{"impossible value", "time_zone", "Mars/Olympus", "Mars/Olympus"},
		{"unset variable", "dead_man_url", "${NOT_SET}", "NOT_SET"},
		{"live without relay", "relay", `{url: ""}`, "relay"},
		{"no keyset", "keyset", "file:/nowhere/keyset.json", "keyset"},
		{"no database", "database", "sqlite:/nowhere/mailaudit.db", "mailaudit.db"},
		{"no authorities", "network", "{tls_ca: /nowhere/ca.pem}", "tls_ca"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			s.install(row{"account_id": "a", "tenant_id": "T", "address": "front@gmail.com", "secret": "pw"})
			s.settings[tt.key] = tt.value
			for _, command := range []string{"run", "deliver"} {
				o := s.do(command)
				if o.code != exit.Usage || !strings.Contains(o.stderr, tt.want) || strings.Count(o.stderr, "\n") != 1 || strings.Contains(o.stderr, "main.") {
					t.Errorf("%s: exit %d: %s", command, o.code, o.stderr)
				}
			}
		})
	}
}

// TestAWrongKeysetEndsEverythingThatOpensSecrets before anything is dialled.
func TestAWrongKeysetEndsEverythingThatOpensSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.install(row{"account_id": "a", "tenant_id": "T", "address": "a@gmail.com", "secret": appPassword})
	other := filepath.Join(t.TempDir(), "other.json")
	s.done("keys", "new", "--out", other)
	s.settings["keyset"] = "file:" + other
	for _, args := range [][]string{{"run"}, {"run", "--dry-run"}, {"run", "--changed"}, {"check", "a"}} {
		if o := s.do(args...); o.code != exit.Usage || !strings.Contains(lastLine(o.stderr), "keyset opens none") {
			t.Errorf("%v: exit %d: %s%s", args, o.code, o.stdout, o.stderr)
		}
	}
	if n := s.counters().Connections; n != 0 {
		t.Errorf("%d connections", n)
	}
}
