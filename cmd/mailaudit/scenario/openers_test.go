package scenario

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/audit/sqlite"
	"mailaudit/providers/sim"
)

// productSealed is a scene whose stored secrets were sealed by a product's own code.
type productSealed struct {
	*scene
	opener string // the command that opens them
}

const productSecret = "abcd efgh ijkl mnop"

// newProductSealed seals by seal, which is given a secret and gives what the product would store.
func newProductSealed(t *testing.T, opener string, seal func(accountID, secret string) []byte) *productSealed {
	s := &productSealed{newScene(t), opener}
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for _, id := range []string{"fine", "revoked", "broken"} {
		s.world.Set(id+"@gmail.com", sim.Account{Password: "own", AppPasswords: []string{strings.ReplaceAll(productSecret, " ", "")}, TwoFactor: true})
		rows = append(rows, row{"account_id": id, "tenant_id": "T-" + id, "address": id + "@gmail.com", "secret": "stand-in", "contact_email": id + "@customers.example"})
	}
	s.world.Change("revoked@gmail.com", func(a *sim.Account) { a.AppPasswords = nil })
	s.install(rows...)
	s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
	store, err := sqlite.Open(t.Context(), s.path("mailaudit.db"))
	s.need(err)
	defer store.Close()
	for _, r := range rows {
		sealed := seal(r["account_id"], productSecret)
		if bytes.Contains(sealed, []byte(productSecret)) {
			t.Fatal("it is not sealed")
		}
		if r["account_id"] == "broken" {
			sealed[len(sealed)/2] ^= 1
		}
		_, err := store.DB().ExecContext(t.Context(), `UPDATE mail_accounts SET secret = ? WHERE account_id = ?`, sealed, r["account_id"])
		s.need(err)
	}
	return s
}

// holds plays a night with the opener as a program, and asks again where it listens as a sidecar.
func (s *productSealed) holds() {
	s.t.Helper()
	s.settings["keyset"] = inYAML("exec:" + s.opener)
	if line := doctorLine(s.do("doctor").stdout, "ok", "secrets"); line == "" {
		s.t.Error("doctor opens no secret")
	}
	if out := s.done("run", "--dry-run"); !strings.Contains(out, "compliant") {
		s.t.Errorf("a dry run says\n%s", out)
	}
	s.done("run", "--key", "first")
	r := s.report("first")
	if r.Verdicts["compliant"] != 1 || r.Verdicts["invalid"] != 1 || r.Verdicts["unverified"] != 1 {
		s.t.Errorf("%v\n%s", r.Verdicts, s.said.String())
	}
	socket := s.path("opener.sock")
	sidecar := exec.CommandContext(s.t.Context(), "sh", "-c", "exec "+s.opener+" "+socket)
	var said bytes.Buffer
	sidecar.Stderr = &said
	s.need(sidecar.Start())
	s.t.Cleanup(func() { sidecar.Process.Kill(); sidecar.Wait() })
	within(s.t, "the sidecar listens", func() bool { _, err := os.Stat(socket); return err == nil })
	s.settings["keyset"] = "unix:" + socket
	for range 2 { // each command is a connection of its own
		s.done("check", "fine")
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm()&0o007 != 0 {
		s.t.Errorf("the socket is open to others: %v, %v", info.Mode(), err)
	}
	if strings.Contains(s.said.String()+said.String(), "ijkl") {
		s.t.Error("a secret was shown")
	}
}

// openerFile is the path of what deploy/openers has.
func openerFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(deployDir, "openers", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sealing runs a program of the product's language that seals its last argument to standard output.
func sealing(t *testing.T, environment []string, program ...string) func(string, string) []byte {
	return func(_, secret string) []byte {
		t.Helper()
		c := exec.CommandContext(t.Context(), program[0], append(program[1:], secret)...)
		c.Env = append(os.Environ(), environment...)
		var said bytes.Buffer
		c.Stderr = &said
		sealed, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", program[0], err, said.String())
		}
		return sealed
	}
}

const laravelAutoload = "/usr/share/php/Illuminate/Encryption/autoload.php"

func TestLaravelOpener(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(laravelAutoload); err != nil {
		needed(t, []string{"php-illuminate-encryption"})
	}
	const now, before = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64:/w4NDAsKCQgHBgUEAwIBAAABAgMEBQYHCAkKCwwNDg8="
	for name, c := range map[string]struct{ cast, sealedBy, environment string }{
		"cast":       {"encryptString", now, ""},
		"former key": {"encryptString", before, "APP_PREVIOUS_KEYS=" + before},
		"serialized": {"encrypt", now, "SERIALIZED=1"}, // by encrypt() of older applications
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seal := fmt.Sprintf(`require %q; echo (new Illuminate\Encryption\Encrypter(base64_decode(%q), 'AES-256-CBC'))->%s($argv[1]);`,
				laravelAutoload, strings.TrimPrefix(c.sealedBy, "base64:"), c.cast)
			newProductSealed(t, fmt.Sprintf("env APP_KEY=%s AUTOLOAD=%s %s php %s", now, laravelAutoload, c.environment, openerFile(t, "laravel.php")),
				sealing(t, nil, "php", "-r", seal)).holds()
		})
	}
}
