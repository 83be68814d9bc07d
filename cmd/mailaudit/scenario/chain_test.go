package scenario

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"mailaudit/audit/seal"
	"mailaudit/cmd/mailaudit/exit"
)

var headForm = regexp.MustCompile(`head"?[=: ]+"?([0-9a-f]{64})`)

// An auditor has the public key and a head from Slack; whoever changes the database afterwards is found, a purge is not.
func TestAnAuditorFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	s := slackScene(t)
	made := s.done("keys", "new", "--signing", "--out", s.path("signing.json"))
	if !strings.Contains(made, s.path("signing.json.pub")) {
		t.Errorf("keys new says %s", made)
	}
	s.fails(exit.Failed, "not overwritten", "keys", "new", "--signing", "--out", s.path("signing.json"))
	s.settings["evidence"] = `{signing_key: "file:` + s.path("signing.json") + `"}`
	s.atNight(0)
	s.done("run", "--key", "one")
	s.atNight(1)
	s.done("notices", "stop", "--by", "mk", "--why", "a test")
	o := s.do("run", "--key", "two")
	logged := headForm.FindStringSubmatch(o.stderr)
	posted := ""
	for _, p := range s.slack.Posts() {
		if p.ThreadTS == s.summaries()[1].TS && strings.Contains(string(p.Payload), "Evidence: link 3") {
			posted = string(p.Payload)
		}
	}
	if logged == nil || !strings.Contains(posted, logged[1]) {
		t.Fatalf("the log has the head %q, Slack's thread %s", logged, posted)
	}
	head := logged[1]
	verify := func(code int, says string, args ...string) {
		t.Helper()
		s.done("evidence", "--from", "2020-01-01", "--to", "2040-01-01", "--out", s.path("pack.zip"))
		o := s.do(append([]string{"evidence", "verify", s.path("pack.zip")}, args...)...)
		if o.code != code || !strings.Contains(o.stdout, says) {
			t.Errorf("verify %v: exit %d, %s%s; want %d, %q", args, o.code, o.stdout, o.stderr, code, says)
		}
	}
	both := []string{"--key", s.path("signing.json.pub"), "--head", head}
	verify(0, "consistent, not authenticated")
	verify(0, "consistent, signed by the key given", both...)
	s.fails(exit.Usage, "is not a head", "evidence", "verify", s.path("pack.zip"), "--head", "abc")
	s.fails(exit.Usage, "read the pack", "evidence", "verify", s.path("none.zip"))
	procedure(t, s, head)

	// The key is rotated: what the former one signed holds by the public keys of today, and not all by the former public key.
	former, err := os.ReadFile(s.path("signing.json.pub"))
	s.need(err)
	s.need(os.WriteFile(s.path("former.pub"), former, 0o644))
	pack, err := os.ReadFile(s.path("pack.zip"))
	s.need(err)
	s.need(os.WriteFile(s.path("former.zip"), pack, 0o644))
	s.done("keys", "rotate", s.path("signing.json"))
	s.done("evidence", "verify", s.path("former.zip"), "--key", s.path("signing.json.pub"), "--head", head)
	verify(0, "consistent, signed by the key given", both...)
	verify(exit.Failed, "", "--key", s.path("former.pub"))
	if line := doctorLine(s.do("doctor").stdout, "ok", "evidence"); !strings.Contains(line, "2 public keys check it") {
		t.Errorf("doctor on the signing key: %q", line)
	}
	s.need(os.WriteFile(s.path("signing.json.pub"), former, 0o644))
	if line := doctorLine(s.do("doctor").stdout, "FAIL", "evidence"); !strings.Contains(line, "does not check what it signs") {
		t.Errorf("doctor on a public key of another time: %q", line)
	}
	s.need(os.WriteFile(s.path("signing.json.pub"), rotated(t, s), 0o644))

	s.done("accounts", "purge", "--tenant", "T-1", "--by", "mk")
	verify(0, "consistent, signed by the key given", both...)
	letter := s.done("evidence", "--tenant", "T-2", "--from", "2020-01-01", "--to", "2040-01-01")
	if !strings.Contains(letter, "refused") || strings.Contains(letter, "ompliant") || strings.Contains(letter, "b@gmail.com") {
		t.Errorf("the letter: %s", letter)
	}
	s.fails(exit.Failed, "has no mailbox", "evidence", "--tenant", "T-1")
	s.sabotage("UPDATE verdict_changes SET verdict = 'compliant' WHERE account_id = 'b'")
	verify(exit.Failed, "rows are not those that were sealed", both...)
	s.done("accounts", "purge", "--tenant", "T-2", "--by", "mk")
	verify(exit.Failed, "run one: ", both...)
}

// rotated are the public keys of the signing keyset.
func rotated(t *testing.T, s *scene) []byte {
	t.Helper()
	keys, err := seal.LoadPublicKeys(s.path("signing.json"))
	s.need(err)
	pem, err := keys.PEM()
	s.need(err)
	return pem
}

// procedure checks the pack as deploy/EVIDENCE.md has it, with standard tools.
func procedure(t *testing.T, s *scene, head string) {
	t.Helper()
	for _, tool := range []string{"unzip", "openssl", "sha256sum", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not installed: the procedure is not tried", tool)
			return
		}
	}
	page, err := os.ReadFile("../../../deploy/EVIDENCE.md")
	s.need(err)
	_, rest, _ := strings.Cut(string(page), "## Check a pack with standard tools")
	_, rest, _ = strings.Cut(rest, "```sh\n")
	script, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("deploy/EVIDENCE.md has no procedure")
	}
	script = strings.ReplaceAll(script, "evidence-2026.zip", "pack.zip")
	cmd := exec.Command("bash", "-c", "set -e\n"+script)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "head "+head) || strings.Contains(string(out), " is not ") || strings.Contains(string(out), "does not follow") {
		t.Errorf("the procedure: %v\n%s", err, out)
	}
}
