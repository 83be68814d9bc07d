package scenario

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// An old key goes when nothing needs it, and not before; no secret looks changed for that.
func TestOldKeyIsDestroyed(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	s.done("run", "--key", "first")
	number := regexp.MustCompile(`(?m)^(\d+)\s.*$`)
	old := number.FindStringSubmatch(s.done("keys", "status"))[1]
	says := func(key string, want ...string) {
		t.Helper()
		line := regexp.MustCompile(`(?m)^` + key + `\s.*$`).FindString(s.done("keys", "status"))
		for _, w := range want {
			if !strings.Contains(line, w) {
				t.Errorf("%q does not say %q", line, w)
			}
		}
	}
	says(old, " 2 ", "seals new secrets")
	if o := s.do("keys", "destroy", old); o.code != exit.Failed || !strings.Contains(o.stderr, "2 secrets are still sealed by it") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	s.done("keys", "rotate", s.path("keyset.json"))
	s.world.Set("new@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.imported(row{"account_id": "new", "tenant_id": "T-1", "address": "new@gmail.com", "secret": "abcdefghijklmnop"})
	says(old, " 2 ")
	if o := s.do("keys", "destroy", old); o.code != exit.Failed || !strings.Contains(o.stderr, "keys reseal") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if out := s.done("keys", "reseal"); !strings.HasPrefix(out, "2 secrets sealed anew") {
		t.Errorf("said %q", out)
	}
	if out := s.done("keys", "reseal"); !strings.HasPrefix(out, "0 secrets") {
		t.Errorf("said %q", out)
	}
	says(old, " 0 ", "may be destroyed")
	primary := ""
	for _, m := range number.FindAllStringSubmatch(s.done("keys", "status"), -1) {
		if m[1] != old {
			primary = m[1]
		}
	}
	if o := s.do("keys", "destroy", primary); o.code != exit.Failed {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	s.done("keys", "destroy", old)
	if out := s.done("keys", "status"); strings.Contains(out, old) || !strings.Contains(out, primary) {
		t.Errorf("said %s", out)
	}
	if o := s.do("keys", "destroy", old); o.code != exit.Failed || !strings.Contains(o.stderr, "no such key") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if line := doctorLine(s.done("doctor"), "ok", "fingerprints"); !strings.Contains(line, "2 of 2") {
		t.Errorf("secrets look changed: %s", line)
	}
	s.atNight(1)
	s.done("run", "--key", "second")
	if r := s.report("second"); r.Verdicts["compliant"] != 2 || r.Verdicts["invalid"] != 1 {
		t.Errorf("%v", r.Verdicts)
	}
}

// One secret that no key opens keeps no other from its new key, and is told.
func TestResealGoesOnPastASecretThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.install(row{"account_id": "a-strange", "tenant_id": "T", "address": "a@gmail.com", "secret": appPassword})
	s.need(os.Mkdir(s.path("second"), 0o700))
	s.done("keys", "new", "--out", s.path("second/keyset.json"))
	s.settings["keyset"] = "file:" + s.path("second/keyset.json")
	s.imported(row{"account_id": "b-ours", "tenant_id": "T", "address": "b@gmail.com", "secret": appPassword})
	s.done("keys", "rotate", s.path("second/keyset.json"))
	o := s.do("keys", "reseal")
	if o.code != exit.Failed || !strings.HasPrefix(o.stdout, "1 secret sealed anew") || !strings.Contains(o.stderr, "a-strange") ||
		!strings.Contains(lastLine(o.stderr), "1 secret was not opened") {
		t.Errorf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
}

// Where one secret does not tell its key, no key is known to be free.
func TestNoKeyGoesBesideASecretThatDoesNotTellItsKey(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	old := regexp.MustCompile(`(?m)^\d+`).FindString(s.done("keys", "status"))
	s.done("keys", "rotate", s.path("keyset.json"))
	s.done("keys", "reseal")
	s.inDatabase(`UPDATE mail_accounts SET secret = CAST('in the clear' AS BLOB) WHERE account_id = (SELECT min(account_id) FROM mail_accounts)`)
	if o := s.do("keys", "destroy", old); o.code != exit.Failed || !strings.Contains(o.stderr, "whether a secret needs it cannot be seen") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if o := s.do("keys", "status"); strings.Contains(o.stdout, "may be destroyed") || !strings.Contains(o.stdout, old) || !strings.Contains(o.stderr, "does not tell its key") {
		t.Errorf("said %s%s", o.stdout, o.stderr)
	}
}
