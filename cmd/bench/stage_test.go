package bench

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mailaudit/audit/postgres/pgtest"
)

// nodemailerVersion is the one that is measured.
const nodemailerVersion = "10.6.1"

// stage is everything that the contenders need, made once.
type stage struct {
	dir        string
	simulator  *simulator
	program    string // mailaudit as operators build it
	cluster    *pgtest.Cluster
	postmaster int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir(), program: *program}
	s.simulator = startSimulator(t)
	must(t, os.WriteFile(s.path("ca.pem"), []byte(s.simulator.CA), 0o644))
	s.writeAccounts(t)
	if s.program != "" {
		return s
	}
	s.program = s.path("mailaudit")
	build := exec.Command("go", "build", "-trimpath", "-o", s.program, "mailaudit/cmd/mailaudit")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// writeAccounts writes the accounts as each contender wants them.
func (s *stage) writeAccounts(t *testing.T) {
	t.Helper()
	plain, err := os.Create(s.path("accounts.tsv"))
	must(t, err)
	defer plain.Close()
	rows, err := os.Create(s.path("accounts.csv"))
	must(t, err)
	defer rows.Close()
	p, c := bufio.NewWriter(plain), csv.NewWriter(rows)
	must(t, c.Write([]string{"account_id", "tenant_id", "tenant_name", "address", "host", "secret", "contact_name", "contact_email"}))
	for i := range *accounts {
		fmt.Fprintf(p, "%s\t%s\n", login(i), appPassword)
		tenant := fmt.Sprintf("t-%06d", i/7)
		must(t, c.Write([]string{fmt.Sprintf("acc-%07d", i), tenant, "Clinic " + tenant, login(i), googleHost, appPassword, "Office " + tenant, "office@" + tenant + ".example"}))
	}
	must(t, p.Flush())
	c.Flush()
	must(t, c.Error())
}

func (s *stage) contenders(t *testing.T) []contender {
	size, many := strconv.Itoa(*accounts), strconv.Itoa(*width)
	all := []contender{{bareRole, func(t *testing.T, _ int) usage {
		return measured(t, s.path("bare.log"), inRole(t, bareRole, s.simulator.TLS, s.path("ca.pem"), size, many))
	}}}
	for _, kind := range []string{"postgres", "sqlite"} {
		var n *night
		all = append(all,
			contender{kind + "-first", func(t *testing.T, round int) usage {
				n = s.newNight(t, kind, round)
				return n.run(t, "night-1")
			}},
			contender{kind + "-usual", func(t *testing.T, _ int) usage { return n.run(t, "night-2") }})
	}
	return append(all,
		contender{"smtplib", func(t *testing.T, _ int) usage {
			return measured(t, s.path("smtplib.log"), exec.Command("python3", "threads.py", s.simulator.TLS, googleHost, s.path("ca.pem"), s.path("accounts.tsv"), many))
		}},
		contender{"nodemailer", func(t *testing.T, _ int) usage {
			s.installNodemailer(t)
			return measured(t, s.path("nodemailer.log"), exec.Command("node", "nodemailer.mjs", s.path("npm"), s.simulator.TLS, googleHost, s.path("ca.pem"), s.path("accounts.tsv"), many))
		}})
}

func (s *stage) installNodemailer(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(s.path("npm")); err == nil {
		return
	}
	install := exec.Command("npm", "install", "--silent", "--no-save", "--prefix", s.path("npm"), "nodemailer@"+nodemailerVersion)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
}

// night is one installation with all accounts in it.
type night struct {
	*stage
	kind, dir string
}

func (s *stage) newNight(t *testing.T, kind string, round int) *night {
	t.Helper()
	n := &night{s, kind, s.path(fmt.Sprintf("%s-%d", kind, round))}
	must(t, os.Mkdir(n.dir, 0o700))
	place := "sqlite:" + n.path("mailaudit.db")
	if kind == "postgres" {
		place = s.database(t, round)
	}
	config, err := json.Marshal(map[string]any{
		"database": place, "keyset": "file:" + n.path("keyset.json"), "installation": "bench",
		"attempts_per_day": 1000,
		"network": map[string]any{
			"tls_ca": s.path("ca.pem"), "ehlo": "audit.product.example", "connect_to": map[string]string{googleHost + ":465": s.simulator.TLS},
		},
		"providers": map[string]any{"google": map[string]any{"max_concurrency": *width, "max_rate": "100000/s"}},
	})
	must(t, err)
	must(t, os.WriteFile(n.path("mailaudit.yaml"), config, 0o600))
	n.quick(t, "keys", "new", "--out", n.path("keyset.json"))
	if kind == "postgres" {
		n.quick(t, "migrate")
	}
	n.quick(t, "accounts", "import", s.path("accounts.csv"))
	return n
}

func (n *night) path(name string) string { return filepath.Join(n.dir, name) }

func (n *night) command(args ...string) *exec.Cmd {
	return exec.Command(n.program, append([]string{"--config", n.path("mailaudit.yaml")}, args...)...)
}

func (n *night) quick(t *testing.T, args ...string) {
	t.Helper()
	if out, err := n.command(args...).CombinedOutput(); err != nil {
		t.Fatalf("mailaudit %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// run is one night.
func (n *night) run(t *testing.T, key string) usage {
	t.Helper()
	before := n.databaseCPU(t)
	u := measured(t, n.path(key+".log"), n.command("run", "--key", key))
	u.database = n.databaseCPU(t) - before
	n.verified(t, key)
	return u
}

// verified fails unless all accounts were.
func (n *night) verified(t *testing.T, key string) {
	t.Helper()
	out, err := n.command("report", "--format", "json", key).Output()
	must(t, err)
	var report struct {
		Run struct{ Accounts, Verified int }
	}
	must(t, json.Unmarshal(out, &report))
	if report.Run.Verified != *accounts {
		t.Fatalf("%s, %s: %+v of %d accounts", n.kind, key, report.Run, *accounts)
	}
}
