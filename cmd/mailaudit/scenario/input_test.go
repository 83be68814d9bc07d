package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// A bad row is named by line and column, and nothing of its file is stored, nor any secret of it shown.
func TestBadAccountsAreNamedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	const secret = "canary-in-a-bad-file"
	head := "account_id,tenant_id,address,secret,port,auth,contact_name,contact_email\n"
	good := "a-1,T-1,front@clinic.example," + secret + ",465,password,Zoe,zoe@clinic.example\n"
	var long strings.Builder
	long.WriteString(head)
	for i := range 100_000 {
		port := "465"
		if i == 77_776 {
			port = "0465x"
		}
		fmt.Fprintf(&long, "a-%d,T-1,front%d@clinic.example,%s,%s,password,Zoe,zoe@clinic.example\n", i, i, secret, port)
	}
	tests := []struct{ name, text, want string }{
		{"missing column", "account_id,tenant_id,address\na-1,T-1,front@clinic.example\n", "line 1: the column secret is missing"},
		{"wrong encoding", head + strings.Replace(good, "Zoe", "Zo\xeb", 1), "line 2, column 7 (contact_name): is not UTF-8"},
		{"UTF-16", "\xff\xfea\x00c\x00c\x00", "line 1, column 1: is UTF-16"},
		{"duplicate id", head + good + strings.Replace(good, "front@", "back@", 1), "line 3, column 1 (account_id): the same id stands on line 2"},
		{"no secret", head + strings.Replace(good, secret, "", 1), "line 2, column 4 (secret): is empty"},
		{"impossible port", head + good + strings.Replace(strings.Replace(good, "465", "70000", 1), "a-1", "a-2", 1), "line 3, column 5 (port): 70000 is not a port"},
		{"unknown auth", head + strings.Replace(good, ",password,", ",kerberos,", 1), "line 2, column 6 (auth): is neither password nor oauth2"},
		{"contact with a header", head + strings.Replace(good, "zoe@clinic.example", "\"zoe@clinic.example\r\nBcc: all@clinic.example\"", 1), "line 2, column 8 (contact_email): has a line end in it"},
		{"name with a header", head + strings.Replace(good, "Zoe", "\"Zoe\nBcc: all@clinic.example\"", 1), "line 2, column 7 (contact_name): has a line end in it"},
		{"one of 100,000", long.String(), "line 77778, column 5 (port): is not a port"},
	}
	s := newScene(t)
	s.done("keys", "new", "--out", s.path("keyset.json"))
	s.imported(row{"account_id": "kept", "tenant_id": "T-0", "address": "kept@clinic.example", "secret": "kept-secret"})
	listed := s.done("accounts", "list", "--format", "csv")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.importText(tt.text)
			if o.code != exit.Failed || !strings.Contains(o.stderr, tt.want) {
				t.Errorf("exit %d, %s; want 1 and %q", o.code, o.stderr, tt.want)
			}
			if strings.Count(o.stderr, "\n") != 1 || o.stdout != "" {
				t.Errorf("not one line of error: %q, %q", o.stderr, o.stdout)
			}
			if strings.Contains(o.stderr, secret) {
				t.Error("the error shows a secret")
			}
			if now := s.done("accounts", "list", "--format", "csv"); now != listed {
				t.Errorf("accounts are now:\n%s", now)
			}
		})
	}
}

// A dry run finds the same faults and needs no keys.
func TestImportDryRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	name := s.path("accounts.csv")
	s.need(os.WriteFile(name, []byte("account_id,tenant_id,address,secret\na,T,front@clinic.example,pw\n"), 0o600))
	if out := s.done("accounts", "import", "--dry-run", name); !strings.Contains(out, "nothing was stored") {
		t.Errorf("said %q", out)
	}
	if _, err := os.Stat(s.path("mailaudit.db")); err == nil {
		t.Error("a dry run has made the database")
	}
	s.need(os.WriteFile(name, []byte("account_id,tenant_id,address,secret\na,T,front,pw\n"), 0o600))
	if o := s.do("accounts", "import", "--dry-run", name); o.code != exit.Failed || !strings.Contains(o.stderr, "line 2, column 3 (address)") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// A keyset that opens nothing ends the night before the first dial: nobody is marked, nobody is mailed.
func TestWrongKeysetStopsBeforeTheFirstDial(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	server := s.play(sim.Google(), sim.Mood{})
	s.world.Set("front@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.install(row{"account_id": "a-1", "tenant_id": "T-1", "address": "front@gmail.com", "secret": "abcdefghijklmnop"})
	s.done("run")
	before := s.done("accounts", "list", "--format", "csv")
	dialled := server.Counters().Connections

	another := filepath.Join(t.TempDir(), "keyset.json")
	s.done("keys", "new", "--out", another)
	s.settings["keyset"] = "file:" + another
	s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
	s.atNight(1)
	for _, args := range [][]string{{"run"}, {"run", "--dry-run"}} {
		o := s.do(args...)
		if o.code != exit.Usage || !strings.Contains(o.stderr, "keyset") {
			t.Errorf("%v: exit %d: %s", args, o.code, o.stderr)
		}
	}
	if n := server.Counters().Connections; n != dialled {
		t.Errorf("%d connections after the first night's", n-dialled)
	}
	if posts := len(s.summaries()); posts != 1 || len(s.relay.Messages()) != 0 {
		t.Errorf("%d summaries, %d mails", posts, len(s.relay.Messages()))
	}
	s.settings["keyset"] = "file:" + s.path("keyset.json")
	if after := s.done("accounts", "list", "--format", "csv"); after != before {
		t.Errorf("accounts were marked:\n%s\nbefore\n%s", after, before)
	}
}
