package scenario

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// sealedByProduct is the scene of a product that seals its secrets itself: what our table holds is sealed by a
// key that only the product's sidecar has, played by our own keyset behind a socket.
type sealedByProduct struct {
	*scene
	mu     sync.Mutex
	asked  []string
	refuse bool
	clear  string // the account whose secret comes back as it is stored
}

func newSealedByProduct(t *testing.T) *sealedByProduct {
	s := &sealedByProduct{scene: newScene(t)}
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("good@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", TwoFactor: true})
	s.install(
		row{"account_id": "good", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop"},
		row{"account_id": "bad", "tenant_id": "T-2", "address": "bad@gmail.com", "secret": "ponmlkjihgfedcba", "contact_email": "bad@customers.example"},
	)
	s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
	s.settings["keyset"] = "unix:" + s.path("opener.sock")
	return s
}

// serve opens the socket.
func (s *sealedByProduct) serve() {
	s.t.Helper()
	keys, err := app.OpenKeys(&config.Config{Keyset: config.KeySource{Kind: "file", Value: s.path("keyset.json")}}, variables(nil), slog.New(slog.DiscardHandler))
	s.need(err)
	listener, err := net.Listen("unix", s.path("opener.sock"))
	s.need(err)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { s.answer(conn, keys) })
		}
	})
	s.t.Cleanup(func() { listener.Close(); group.Wait() })
}

func (s *sealedByProduct) answer(conn net.Conn, keys *app.Keyring) {
	defer conn.Close()
	for in := bufio.NewScanner(conn); in.Scan(); {
		var q struct {
			AccountID string `json:"account_id"`
			Secret    []byte `json:"secret"`
		}
		if json.Unmarshal(in.Bytes(), &q) != nil {
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, q.AccountID)
		refuse, clear := s.refuse, s.clear
		s.mu.Unlock()
		answer := map[string]any{"account_id": q.AccountID}
		if q.AccountID == clear {
			answer["secret"] = q.Secret
		} else if secret, err := keys.Open(q.AccountID, q.Secret); err != nil || refuse {
			answer["error"] = "no key of that id"
		} else {
			answer["secret"] = []byte(secret.Reveal())
		}
		line, _ := json.Marshal(answer)
		conn.Write(append(line, '\n'))
	}
}

// A night whose secrets an opener opens is like any other.
func TestNightWithAnOpener(t *testing.T) {
	t.Parallel()
	s := newSealedByProduct(t)
	s.serve()
	s.done("doctor")
	s.done("run", "--key", "first")
	r := s.report("first")
	if r.Verdicts["compliant"] != 1 || r.Verdicts["invalid"] != 1 {
		t.Errorf("%v", r.Verdicts)
	}
	if got := s.recipients(); !slices.Equal(got, []string{"bad@customers.example"}) {
		t.Errorf("mails to %v", got)
	}
	s.done("check", "good")
	if s.leaks("abcdefghijklmnop") {
		t.Error("a secret was shown")
	}
}

func (s *sealedByProduct) leaks(secret string) bool { return strings.Contains(s.said.String(), secret) }

// An opener that is down, or that knows no key, accuses nobody: nothing is started.
func TestOpenerThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := newSealedByProduct(t)
	s.serve()
	s.refuse = true
	if o := s.do("run"); o.code != exit.Usage || !strings.Contains(o.stderr, "the opener refused (code no_key;") || strings.Contains(o.stderr, "of that id") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	s.refuse = false
	s.settings["keyset"] = "exec:sh -c 'exit 7'"
	if o := s.do("run"); o.code != exit.Failed || !strings.Contains(o.stderr, "exit status 7") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if n := s.counters().Connections; n != 0 {
		t.Errorf("%d connections to providers", n)
	}
	if o := s.do("doctor"); o.code != exit.Failed || !strings.Contains(o.stdout, "start the program or sidecar") {
		t.Errorf("exit %d: %s", o.code, o.stdout)
	}
	s.settings["keyset"] = "exec:no-such-program-here"
	if o := s.do("run"); o.code != exit.Usage || !strings.Contains(o.stderr, "keyset: prepare the opener: find its program") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// An opener that hands back what it is given is noticed before the first night.
func TestOpenerThatOnlyEchoes(t *testing.T) {
	t.Parallel()
	s := newSealedByProduct(t)
	s.settings["keyset"] = "exec:/bin/cat"
	if o := s.do("doctor"); o.code != exit.Failed || !strings.Contains(doctorLine(o.stdout, "FAIL", "secrets"), "gives back what is stored") {
		t.Errorf("exit %d: %s", o.code, o.stdout)
	}
	s.serve()
	s.settings["keyset"] = "unix:" + s.path("opener.sock")
	s.clear = "bad"
	if line := doctorLine(s.done("doctor"), "note", "secrets"); !strings.Contains(line, "1 of 2 are stored in the clear") {
		t.Errorf("one in the clear: %q", line)
	}
	s.clear = ""
	if line := doctorLine(s.done("doctor"), "ok", "secrets"); line == "" {
		t.Error("a real opener is not found good")
	}
}

func TestNothingIsSealedForAProductThatSeals(t *testing.T) {
	t.Parallel()
	s := newSealedByProduct(t)
	o := s.importText(csvOf(row{"account_id": "new", "tenant_id": "T-1", "address": "new@gmail.com", "secret": "abcdefghijklmnop"}))
	if o.code != exit.Usage || !strings.Contains(o.stderr, "accounts import seals what it stores, and keyset is unix") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if o := s.do("keys", "status"); o.code != exit.Usage || !strings.Contains(o.stderr, "name a FILE") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	s.done("keys", "status", s.path("keyset.json"))
}

// The opener is given the environment without what is ours alone.
func TestOpenersEnvironment(t *testing.T) {
	c := config.Default()
	c.FingerprintKey = config.KeySource{Kind: "env", Value: "PRINT_KEY"}
	c.Keyset = config.KeySource{Kind: "exec", Value: "opener"}
	c.Database = config.Database{Kind: config.PostgreSQL, URL: providers.NewSecret("postgres://audit:db%20pw@db/x")}
	c.Slack.Token = providers.NewSecret("xoxb-1")
	google := c.Providers["google"]
	google.OAuth.ClientSecret = providers.NewSecret("client-pw")
	c.Providers["google"] = google
	ours := []string{"MAILAUDIT_DATABASE=x", "MAILAUDIT_CONFIG=y", "PRINT_KEY=z", "SLACK=xoxb-1", "DB_PASSWORD=db pw",
		"DB=postgres://audit:db%20pw@db/x", "OAUTH=client-pw"}
	theirs := []string{"PATH=/bin", "HOME=/root", "VAULT_TOKEN=s.1", "EMPTY=", "NOT_MAILAUDIT_=1", "DOUBLE=a=b", "ODD"}
	if got := c.OpenerEnvironment(slices.Concat(ours, theirs)); !slices.Equal(got, theirs) {
		t.Errorf("%q", got)
	}
}
