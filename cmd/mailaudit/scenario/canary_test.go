package scenario

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// The secrets of the month. Ordinary ones hold what encoders change.
const (
	canaryOwn     = `Cänary-own<&"+/ 4711?`
	canaryOwn2    = `Cänary=next%7C'\u0041;`
	canaryApp     = "canaryappkwzqvjx"
	canaryGrouped = "cana rygr oupd kqzx"
	canaryApple   = "cana-ryap-plek-wqzx"
)

// canaryAccount is one of the month's mailboxes.
type canaryAccount struct {
	id, host, port, secret string
	truth                  sim.Account
}

func (a canaryAccount) login() string { return a.id + "@canary.example" }

func (a canaryAccount) row() row {
	return row{"account_id": a.id, "tenant_id": "T-" + a.id, "tenant_name": "Clinic " + a.id, "address": a.login(), "host": a.host, "port": a.port,
		"secret": a.secret, "contact_name": "Zoe", "contact_email": "zoe-" + a.id + "@customers.example"}
}

const canaryEcho = "mail.echo.example"

func canaryAccounts() []canaryAccount {
	app := func(secret string) sim.Account {
		return sim.Account{Password: canaryOwn, AppPasswords: []string{strings.ReplaceAll(secret, " ", "")}, TwoFactor: true}
	}
	own := sim.Account{Password: canaryOwn}
	return []canaryAccount{
		{"google-fine", "smtp.gmail.com", "465", canaryApp, app(canaryApp)},
		{"google-grouped", "smtp.gmail.com", "587", canaryGrouped, app(canaryGrouped)},
		{"google-revoked", "smtp.gmail.com", "465", canaryApp, app(canaryApp)},
		{"google-own", "smtp.gmail.com", "465", canaryOwn, app(canaryApp)},
		{"google-wrong", "smtp.gmail.com", "465", canaryOwn, sim.Account{}},
		{"microsoft-own", "smtp.office365.com", "587", canaryOwn, own},
		{"microsoft-locked", "smtp.office365.com", "587", canaryOwn, sim.Account{Password: canaryOwn, State: sim.Locked}},
		{"yahoo-app", "smtp.mail.yahoo.com", "465", canaryApp, app(canaryApp)},
		{"yahoo-wrong", "smtp.mail.yahoo.com", "465", canaryOwn, app(canaryApp)},
		{"apple-app", "smtp.mail.me.com", "587", canaryApple, sim.Account{AppPasswords: []string{canaryApple}, TwoFactor: true}},
		{"zoho-own", "smtp.zoho.com", "465", canaryOwn, own},
		{"echo-own", canaryEcho, "465", canaryOwn, own},
		{"echo-app", canaryEcho, "587", canaryApp, sim.Account{Password: canaryApp}},
		{"echo-wrong", canaryEcho, "465", canaryOwn, sim.Account{}},
		{"echo-grouped", canaryEcho, "587", canaryGrouped, sim.Account{}},
	}
}

func canaries() []canary {
	var logins []string
	for _, a := range canaryAccounts() {
		logins = append(logins, a.login())
	}
	return []canary{
		newCanary("the password", canaryOwn, logins...),
		newCanary("the next password", canaryOwn2, logins...),
		newCanary("the app password", canaryApp, logins...),
		newCanary("the app password in groups", canaryGrouped, logins...),
		newCanary("Apple's app password", canaryApple, logins...),
		newCanary("the relay's password", sceneRelayPassword, "mailaudit"),
		newCanary("Slack's token", sceneSlackToken),
	}
}

// A month in which accounts are accepted, revoked, repaired, refused and echoed by their servers, with
// everything written down: no secret is found in anything that it left.
func TestNoSecretIsFoundAfterAMonth(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.settings["report"] = inYAML(map[string]any{"dir": s.path("reports"), "addresses": "full"})
	s.playMonth()
	var rows []row
	for _, a := range canaryAccounts() {
		s.world.Set(a.login(), a.truth)
		rows = append(rows, a.row())
	}
	s.install(rows...)
	// A second connection keeps the write-ahead log from being folded in at each command's end.
	open, err := sqlite.Open(t.Context(), s.path("mailaudit.db"))
	s.need(err)
	defer open.Close()
	s.need(open.DB().PingContext(t.Context()))

	looked := canaries()
	for night := range 30 {
		s.atNight(night)
		s.monthGoesOn(night)
		format := []string{"json", "text"}[night%2]
		s.done("--log-level", "debug", "--log-format", format, "run")
		if night%5 == 0 {
			s.done("--log-level", "debug", "deliver")
			s.seekInFiles(looked)
		}
	}
	for _, a := range canaryAccounts() {
		s.atNight(30)
		s.done("--log-level", "debug", "check", a.id)
		s.done("--log-level", "debug", "check", "--format", "json", a.id)
	}
	s.atNight(31)
	s.done("--log-level", "debug", "run", "--dry-run")
	for _, format := range []string{"text", "json", "csv", "html", "slack"} {
		s.done("report", "--format", format)
	}
	s.done("accounts", "list", "--format", "json")
	s.done("notices", "list", "--format", "json")
	if o := s.importText(csvOf(row{"account_id": "x", "tenant_id": "T", "address": canaryOwn, "secret": canaryOwn, "port": canaryApp, "host": canaryGrouped})); o.code != exit.Failed {
		t.Errorf("a bad file: exit %d", o.code)
	}
	s.seekInFiles(looked)
	for _, name := range []string{"mailaudit.db", "mailaudit.db-wal"} {
		if info, err := os.Stat(s.path(name)); err != nil || info.Size() == 0 {
			t.Errorf("%s was not there to be searched: %v", name, err)
		}
	}
	seek(t, looked, "what the program has said", s.said.Bytes())
	for i, m := range s.relay.Messages() {
		seek(t, looked, fmt.Sprintf("mail %d", i), m.Data)
		seek(t, looked, fmt.Sprintf("mail %d, decoded", i), []byte(readLetter(t, m.Data).text+readLetter(t, m.Data).html))
	}
	for i, p := range s.slack.Posts() {
		seek(t, looked, fmt.Sprintf("Slack message %d", i), p.Payload)
	}
	for _, f := range s.slack.Files() {
		seek(t, looked, "Slack file "+f.Name, f.Content)
	}
	seek(t, looked, "the tables", dump(t, open.DB(), "verify_batch", "google-revoked"))
	// The month was not an empty one.
	if len(s.relay.Messages()) < 10 || len(s.summaries()) != 30 || !bytes.Contains(s.said.Bytes(), []byte("revoked")) {
		t.Errorf("%d mails, %d summaries", len(s.relay.Messages()), len(s.summaries()))
	}
	s.leftClean()
}

// playMonth starts the month's providers; one repeats to everybody the secret that it was sent.
func (s *scene) playMonth() {
	s.t.Helper()
	echo := sim.Dovecot()
	echo.Hosts = []string{canaryEcho}
	s.play(echo, sim.Mood{EchoSecret: true})
	for _, p := range []sim.Persona{sim.Google(), sim.Microsoft365(), sim.Yahoo(), sim.Apple(), sim.Zoho()} {
		s.play(p, sim.Mood{})
	}
}

// monthGoesOn is what happens before each night.
func (s *scene) monthGoesOn(night int) {
	s.t.Helper()
	byID := map[string]canaryAccount{}
	for _, a := range canaryAccounts() {
		byID[a.id] = a
	}
	switch night {
	case 4:
		s.world.Change(byID["google-revoked"].login(), func(a *sim.Account) { a.AppPasswords = nil })
		s.world.Change(byID["echo-own"].login(), func(a *sim.Account) { a.Password = canaryOwn2 })
	case 9:
		s.done("keys", "rotate", s.path("keyset.json"))
	case 12: // both are repaired
		s.world.Change(byID["google-revoked"].login(), func(a *sim.Account) { a.AppPasswords = []string{canaryApp} })
		repaired := byID["echo-own"]
		repaired.secret = canaryOwn2
		s.imported(repaired.row())
	case 20:
		s.world.Change(byID["yahoo-app"].login(), func(a *sim.Account) { a.State = sim.RateLimited })
	}
}

// seekInFiles looks into everything in the installation's folder but the operator's own configuration.
func (s *scene) seekInFiles(looked []canary) {
	s.t.Helper()
	s.need(filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "mailaudit.yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		seek(s.t, looked, d.Name(), text)
		return err
	}))
}

// dump writes out every value of every table, River's own among them, for in the file a long value is cut
// into pages.
func dump(t *testing.T, db *sql.DB, mustHave ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	tables, err := column(db, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		columns, err := column(db, `SELECT name FROM pragma_table_info('`+string(table)+`')`)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range columns {
			values, err := column(db, fmt.Sprintf(`SELECT %q FROM %q`, name, table))
			if err != nil {
				t.Fatal(err)
			}
			out.Write(bytes.Join(values, []byte("\n")))
		}
	}
	for _, text := range mustHave {
		if !bytes.Contains(out.Bytes(), []byte(text)) {
			t.Errorf("the tables were not there to be searched: no %s", text)
		}
	}
	return out.Bytes()
}

func column(db *sql.DB, query string) (all [][]byte, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v []byte
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// brokeOff is what the log says once a panic was caught: one in a conversation counts as a fault of ours, one where
// results are recorded is kept by the queue with its job.
var brokeOff = map[string]string{"ask": "conversation broke off", "observe": "job failed, it will be tried again"}

// panicking is the program with a fault that shows all it has at hand.
func panicking(args []string) int {
	env := app.Env{LookupEnv: os.LookupEnv, Stdout: os.Stdout, Stderr: os.Stderr}
	setup, err := app.NewSetup(&app.Globals{Config: args[0]}, &env)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	said := &remembering{Writer: os.Stderr, words: brokeOff[args[1]]}
	log := slog.New(slog.NewJSONHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	setup.Log = log
	a, err := setup.Open(ctx, app.Wants{Asks: true})
	if err != nil {
		panic(err)
	}
	show := func(attempt providers.Attempt) string {
		log.Error("about to fail", "attempt", attempt, "secret", attempt.Secret)
		return fmt.Sprintf("%v %+v %#v %s %d %x %q", attempt, attempt, attempt, attempt.Secret, attempt.Secret, attempt.Secret, attempt.Secret)
	}
	ask := a.Auditor.Ask.Converse
	a.Auditor.Ask.Converse = func(ctx context.Context, provider string, attempt providers.Attempt) providers.Conversation {
		if len(attempt.Mechanisms) == 0 { // outbound connectivity is looked at before the first account
			return ask(ctx, provider, attempt)
		}
		if args[1] == "ask" {
			panic(show(attempt))
		}
		a.Auditor.Night.Observe = func(audit.Result) {
			panic(show(attempt))
		}
		return providers.Conversation{Fault: providers.FaultTimeout}
	}
	n, err := a.NewWorker()
	if err != nil {
		panic(err)
	}
	if _, _, err := a.Auditor.Night.Begin(ctx, "night", audit.Scope{}); err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, n.Work(ctx, func(context.Context) (bool, error) { return said.told.Load(), nil }))
	return exit.Failed
}

// remembering is a log that knows whether the words have been written to it.
type remembering struct {
	io.Writer
	words string
	told  atomic.Bool
}

func (r *remembering) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(r.words)) {
		r.told.Store(true)
	}
	return r.Writer.Write(line)
}

// A panic shows values and stacks and, where the queue catches it, leaves them in the database.
func TestNoSecretIsFoundAfterAPanic(t *testing.T) {
	for where, says := range brokeOff {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.playMonth()
			var rows []row
			for _, a := range canaryAccounts() {
				rows = append(rows, a.row())
			}
			s.install(rows...)
			s.writeConfig()
			self, err := os.Executable()
			s.need(err)
			cmd := exec.CommandContext(t.Context(), self, s.path("mailaudit.yaml"), where)
			cmd.Env = append(os.Environ(), asProgram+"=panicking", "GOTRACEBACK=all")
			said, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(said, []byte(says)) || !bytes.Contains(said, []byte("about to fail")) {
				t.Fatalf("it has not panicked: %v\n%s", err, said)
			}
			looked := canaries()
			seek(t, looked, "the panic", said)
			s.seekInFiles(looked)
			store, err := sqlite.Open(t.Context(), s.path("mailaudit.db"))
			s.need(err)
			defer store.Close()
			tables := dump(t, store.DB(), "verify_batch")
			seek(t, looked, "the tables", tables)
			if where == "observe" && !bytes.Contains(tables, []byte("broke off: panic")) {
				t.Error("the queue has not kept the panic")
			}
		})
	}
}
