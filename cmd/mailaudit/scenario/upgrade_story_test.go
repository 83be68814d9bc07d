package scenario

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"mailaudit/audit"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// keepVariable names the folder in which this version's installations are kept, and keepCommit the version: make kept.
const (
	keepVariable = "MAILAUDIT_KEEP"
	keepCommit   = "MAILAUDIT_KEEP_COMMIT"
)

// Two weeks of an installation, up to a moment in the middle of a night at which something of every kind is under
// way. Each customer is named for what is so at the end.
func TestKeepThisVersion(t *testing.T) {
	name := os.Getenv(keepVariable)
	if name == "" {
		t.Skip("makes testdata/releases/NAME: make kept NAME=...")
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			k := &kept{scene: newScene(t), folder: filepath.Join(keptFolder, name, database)}
			k.need(os.RemoveAll(k.folder))
			k.need(os.MkdirAll(k.folder, 0o755))
			if database == "postgres" {
				k.cluster = pgtest.Own(t)
			}
			s := &twoWeeks{kept: k}
			s.install()
			s.play()
			s.keep()
		})
	}
}

// storied is one mailbox of the two weeks.
type storied struct {
	id, tenant, contact string
	address             string // default: ID@gmail.com
	secret              string // default: sixteen letters of its own; "oauth": a grant
	more                row
}

type twoWeeks struct {
	*kept
	rows []row
}

const (
	appOnly  = "app only" // the provider says that it wants an app password: told the same night
	refused  = "refused"  // a bare refusal: told on the second night
	accepted = "accepted"
	down     = "down"     // the provider gives no answer
	disabled = "disabled" // switched off by an administrator: told the same night
	locked   = "locked"
)

// letters are a secret in the form of most providers' app passwords.
func letters(of string) string {
	sum := sha256.Sum256([]byte(of))
	out := make([]byte, 16)
	for i := range out {
		out[i] = 'a' + sum[i]%26
	}
	return string(out)
}

// theirs are the customers. A contact that is left out is ID@customers.example.
func theirs() (all []storied) {
	one := func(id string, more ...string) {
		c := storied{id: id, tenant: "T-" + id, contact: id + "@customers.example", address: id + "@gmail.com", secret: letters(id), more: row{}}
		for i := 0; i < len(more); i += 2 {
			switch more[i] {
			case "tenant_id":
				c.tenant = more[i+1]
			case "contact_email":
				c.contact = more[i+1]
			case "address":
				c.address = more[i+1]
			case "secret":
				c.secret = more[i+1]
			default:
				c.more[more[i]] = more[i+1]
			}
		}
		all = append(all, c)
	}
	// Three mailboxes of one clinic, of which one is told of.
	one("told", "tenant_name", "Acorn Dental, Inc.", "contact_name", "Anna Åkesson")
	one("told-2", "tenant_id", "T-told", "tenant_name", "Acorn Dental, Inc.", "contact_email", "told@customers.example")
	one("told-3", "tenant_id", "T-told", "tenant_name", "Acorn Dental, Inc.", "contact_email", "Told@Customers.example")
	one("reminded", "locale", "es-MX", "time_zone", "America/Chicago", "tenant_name", "Clínica Peñón", "contact_name", "Íñigo Núñez")
	one("carried", "locale", "es")
	one("confirm")
	one("queued", "time_zone", "Pacific/Chatham")
	one("caught", "time_zone", "Europe/London")
	one("ambiguous", "time_zone", "Asia/Kathmandu")
	one("snoozed")
	one("bounced")
	one("failed")
	one("silent")
	one("shadow")
	one("no-contact", "contact_email", "")
	one("breaks", "time_zone", "America/St_Johns")
	one("mends")
	one("mended")
	one("tried")
	one("gone")
	one("purged", "tenant_name", "Gone and Forgotten")
	one("corrected")
	// One mailbox that two clinics have stored, and a third with another password.
	one("twin-a", "address", "shared@gmail.com", "secret", letters("twin"))
	one("twin-b", "address", "shared@gmail.com", "secret", letters("twin"), "time_zone", "Pacific/Kiritimati")
	one("twin-c", "address", "Shared@gmail.com")
	// One person who is the contact of four clinics: three mails a day, and the rest another day.
	for i := range 4 {
		address := fmt.Sprintf("many-%d@gmail.com", i)
		if i > 1 {
			address = fmt.Sprintf("many-%d@clinic.onmicrosoft.com", i)
		}
		one(fmt.Sprintf("many-%d", i), "contact_email", "many@group.example", "address", address)
	}
	one("grant-google", "secret", "oauth")
	one("grant-revoked", "secret", "oauth")
	one("grant-microsoft", "secret", "oauth", "address", "grant@clinic.onmicrosoft.com")
	one("grant-yahoo", "secret", "oauth", "address", "grant@yahoo.com")
	one("canary-good", "address", "canary-good@gmail.com")
	one("canary-bad", "address", "canary-bad@gmail.com")
	// Microsoft: warned of what ends. One is locked, and its own contact.
	for i := range 4 {
		one(fmt.Sprintf("ahead-%d", i), "address", fmt.Sprintf("ahead-%d@clinic.onmicrosoft.com", i))
	}
	one("itself", "address", "itself@clinic.onmicrosoft.com", "contact_email", "Itself@clinic.onmicrosoft.com")
	one("aol", "address", "front.desk@aol.com")
	one("other", "address", "front@clinic.example", "host", "mail.clinic.example", "port", "465", "security", "tls", "secret", "own password")
	for i := range 8 {
		// Two at a time are one contact's.
		both := fmt.Sprintf("held-%d@customers.example", i/2)
		one(fmt.Sprintf("held-%d", i), "address", fmt.Sprintf("held-%d@fastmail.com", i), "tenant_id", fmt.Sprintf("T-held-%d", i/2), "contact_email", both)
		one(fmt.Sprintf("discarded-%d", i), "address", fmt.Sprintf("discarded-%d@zoho.com", i))
		one(fmt.Sprintf("released-%d", i), "address", fmt.Sprintf("released-%d@yahoo.com", i))
		one(fmt.Sprintf("ended-%d", i), "address", fmt.Sprintf("ended-%d@icloud.com", i), "secret", hyphens(letters(fmt.Sprint("ended", i))))
	}
	return all
}

func hyphens(s string) string { return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:] }

// stands is what a provider holds of a mailbox whose stored secret stands so.
func stands(how, secret string) sim.Account {
	switch how {
	case accepted:
		return sim.Account{Password: secret, AppPasswords: []string{secret}, TwoFactor: true}
	case appOnly:
		return sim.Account{Password: secret, TwoFactor: true}
	case refused:
		return sim.Account{Password: "own", TwoFactor: true}
	case down:
		return sim.Account{Password: secret, AppPasswords: []string{secret}, TwoFactor: true, State: sim.BackendDown}
	case disabled:
		return sim.Account{Password: secret, AppPasswords: []string{secret}, TwoFactor: true, State: sim.SMTPAuthDisabled}
	case locked:
		return sim.Account{Password: secret, AppPasswords: []string{secret}, TwoFactor: true, State: sim.Locked}
	}
	panic(how)
}

func (s *twoWeeks) install() {
	s.t.Helper()
	s.World = map[string]sim.Account{}
	s.environment = map[string]string{}
	s.surround()
	s.mode("shadow")
	for _, c := range theirs() {
		r := row{"account_id": c.id, "tenant_id": c.tenant, "address": c.address, "contact_email": c.contact, "secret": c.secret, "auth": "password"}
		maps.Copy(r, c.more)
		if c.secret == "oauth" {
			r["auth"], r["secret"] = "oauth2", s.world.Connect(c.address)
			s.stand(c.address, sim.Account{})
		}
		s.rows = append(s.rows, r)
	}
	for _, c := range theirs() {
		switch {
		case c.secret == "oauth", c.id == "twin-c", c.id == "canary-bad":
		default:
			s.turn(accepted, c.id)
		}
	}
	s.turn(refused, "canary-bad")
	s.done("keys", "new", "--out", s.path("keyset.json"))
	if s.cluster != nil {
		s.done("migrate")
		s.need(s.cluster.LogStatements())
	}
	s.imported(s.rows...)
}

// mode writes the configuration with notices.mode so.
func (s *twoWeeks) mode(mode string) {
	s.text = strings.Replace(storyConfig, "mode: live", "mode: "+mode, 1)
}

func (s *twoWeeks) row(id string) row {
	s.t.Helper()
	i := slices.IndexFunc(s.rows, func(r row) bool { return r["account_id"] == id })
	if i < 0 {
		s.t.Fatalf("no account %s", id)
	}
	return s.rows[i]
}

func (s *twoWeeks) stand(login string, a sim.Account) {
	s.world.Set(login, a)
	s.World[strings.ToLower(login)] = a
}

// turn has the mailboxes of accounts stand so from now on.
func (s *twoWeeks) turn(how string, ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		r := s.row(id)
		s.stand(r["address"], stands(how, r["secret"]))
	}
}

// remove takes an account out of the source.
func (s *twoWeeks) remove(id string) {
	s.t.Helper()
	s.done("accounts", "remove", id)
	s.rows = slices.DeleteFunc(s.rows, func(r row) bool { return r["account_id"] == id })
}

// each names accounts of a group.
func each(group string, from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("%s-%d", group, i))
	}
	return ids
}

// at sets the clock to an hour of a day of the story in UTC. Nights are at 02:15 in Chicago.
func (s *twoWeeks) at(day int, hour, minute int) {
	s.clock.Set(time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC))
}

func (s *twoWeeks) night(day int) {
	s.t.Helper()
	s.at(day, 8, 15)
	s.work("run")
}

// deliver is when most tenants' hours are.
func (s *twoWeeks) deliver(day int) {
	s.t.Helper()
	s.at(day, 16, 30)
	s.work("deliver")
}

// work runs a command that may end with 1: a mail that waits is no fault of the story.
func (s *twoWeeks) work(args ...string) {
	s.t.Helper()
	o := s.do(args...)
	if o.code != exit.Done && o.code != exit.Failed {
		s.t.Fatalf("mailaudit %v: exit %d\n%s%s", args, o.code, o.stdout, o.stderr)
	}
	s.t.Logf("%s %v: %d %s", s.clock.Now().Format(time.DateTime), args, o.code, lastLine(o.stdout))
}

func (s *twoWeeks) play() {
	s.t.Helper()
	s.night(21) // Saturday, in shadow
	s.at(21, 12, 0)
	s.work("run", "--dry-run", "--limit", "20")
	s.turn(appOnly, "shadow")
	s.night(22)
	s.turn(down, "shadow")

	s.mode("live")
	s.turn(appOnly, "reminded")
	s.turn(refused, "carried")
	s.night(23)
	s.deliver(23)

	s.turn(refused, each("discarded", 0, 7)...)
	s.turn(appOnly, "failed")
	s.turn(down, "silent")
	s.relay.SetMood(sim.RelayMood{Recipients: map[string]string{"failed@customers.example": "550 5.1.1 no such user"}})
	s.done("notices", "bounced", "bounced@customers.example", "--detail", "550 no such user", "--by", "maria")
	s.night(24)
	s.deliver(24)
	s.turn(appOnly, "bounced", "snoozed")
	s.turn(refused, each("released", 0, 6)...)
	s.done("notices", "snooze", "--tenant", "T-snoozed", "--until", "2026-12-20", "--by", "maria", "--why", "they move house")
	s.night(25)
	s.deliver(25)
	s.done("notices", "preview", "--provider", "zoho")
	s.decide("discard", "zoho", "--by", "maria", "--why", "Zoho had an outage")
	s.done("keys", "rotate", s.path("keyset.json")) // older secrets stay as they are
	s.turn(accepted, each("discarded", 1, 7)...)

	s.darkNight(26)
	s.deliver(26)
	s.turn(accepted, "released-0", "released-1")
	s.decide("release", "yahoo", "--by", "jo", "--why", "the customers changed their passwords")
	s.work("deliver")

	s.turn(appOnly, "twin-a", "no-contact")
	s.turn(refused, each("ended", 0, 5)...)
	s.night(27)
	s.deliver(27)
	s.at(27, 18, 0)
	s.remove("purged")
	s.done("accounts", "purge", "--tenant", "T-purged", "--by", "maria", "--why", "asked in writing")
	s.done("notices", "stop", "--by", "maria", "--why", "we look at Apple first")

	s.shrunkenSource(29)
	s.turn(accepted, each("ended", 0, 5)...)
	s.turn(refused, each("held", 0, 6)...)
	s.turn(appOnly, "mends", "mended")
	s.night(30) // Monday
	s.done("notices", "start", "--by", "maria")
	s.turn(appOnly, "corrected")
	s.at(30, 12, 0)
	s.work("run", "--key", "once-more", "--tenant", "T-corrected")
	s.deliver(30)
	s.at(30, 17, 0)
	s.done("notices", "correct", "--run", "once-more", "--by", "maria", "--why", "our own mistake")
	s.work("deliver")
	s.turn(accepted, "corrected")
	s.remove("gone")

	s.turn(appOnly, "tried")
	s.turn(locked, "itself")
	s.world.Revoke("grant-revoked@gmail.com")
	s.night(31)
	s.deliver(31)
	s.done("notices", "snooze", "--tenant", "T-told", "--until", "2026-12-24")
	s.done("notices", "unsnooze", "--tenant", "T-told")
	s.done("check", "told-2")
	s.lookAround()

	s.turn(appOnly, "told", "caught", "queued", "ambiguous", "many-0", "many-1")
	s.turn(disabled, "many-2", "many-3")
	s.turn(refused, "confirm")
	s.relay.SetMood(sim.RelayMood{DropAfterDot: true}) // for the one whose hours are now
	s.night(32)
	s.relay.SetMood(sim.RelayMood{})
	s.deliver(32)
	s.at(32, 18, 0)
	for id, secret := range map[string]string{"mended": letters("mended anew"), "tried": letters("tried anew")} {
		s.row(id)["secret"] = secret
	}
	s.turn(accepted, "mended")
	s.imported(s.row("mended"), s.row("tried"))
	s.work("run", "--changed")
	s.serve()

	s.turn(disabled, "ahead-3")
	s.killed()
}

// darkNight is one in which Google answers nobody.
func (s *twoWeeks) darkNight(day int) {
	s.t.Helper()
	before := maps.Clone(s.World)
	for login, a := range before {
		if strings.HasSuffix(login, "@gmail.com") {
			a.State = sim.BackendDown
			s.world.Set(login, a)
		}
	}
	s.night(day)
	for login, a := range before {
		s.world.Set(login, a)
	}
}

// shrunkenSource is a night that the source guard stops; the accounts are back afterwards.
func (s *twoWeeks) shrunkenSource(day int) {
	s.t.Helper()
	s.readGrants()
	s.at(day, 8, 15)
	replace := func(rows []row) {
		s.need(os.WriteFile(s.path("accounts.csv"), []byte(csvOf(rows...)), 0o600))
		s.done("accounts", "import", "--replace", s.path("accounts.csv"))
	}
	replace(s.rows[10:])
	s.work("run")
	replace(s.rows)
}

// lookAround runs what only looks.
func (s *twoWeeks) lookAround() {
	s.t.Helper()
	s.work("doctor")
	s.done("accounts", "list", "--verdict", "revoked", "--tenant", "T-held-1")
	s.done("accounts", "list", "--provider", "google", "--format", "json")
	s.done("keys", "status")
	s.done("evidence", "--from", "2026-11-01", "--to", "2026-12-31", "--out", s.path("pack.zip"))
	for _, format := range []string{"text", "json", "csv", "html", "slack"} {
		s.done("report", "--format", format)
	}
}

// serve stays up for a moment and is asked for its metrics.
func (s *twoWeeks) serve() {
	s.t.Helper()
	s.at(32, 18, 40)
	address := freeAddress(s.t)
	before := s.text
	s.text = strings.Replace(before, "127.0.0.1:9464", address, 1)
	serve, said := s.processAs("elsewhen", "--log-level", "error", "serve")
	within(s.t, "serve gives its metrics", func() bool {
		answer, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(body), "mailaudit_")
	})
	s.need(serve.Process.Signal(syscall.SIGKILL))
	if err := serve.Wait(); err == nil {
		s.t.Errorf("serve ended by itself:\n%s", said)
	}
	s.text = before
}

// killed ends the story: a run is killed while it asks, and a deliver while it has a mail in hand.
func (s *twoWeeks) killed() {
	s.t.Helper()
	s.at(33, 8, 15)
	google := s.servers["google"]
	google.SetMood(sim.Mood{AuthLatency: 400 * time.Millisecond})
	attempts := s.world.Attempts()
	asked := google.Counters().Credentials
	run, said := s.processAs("elsewhen", "--log-level", "error", "run")
	within(s.t, "some accounts were asked", func() bool { return google.Counters().Credentials >= asked+14 })
	s.kill(run, said)
	google.SetMood(sim.Mood{})

	s.at(33, 9, 5)
	s.relay.SetMood(sim.RelayMood{MailLatency: time.Minute})
	deliver, said := s.processAs("elsewhen", "--log-level", "error", "deliver")
	within(s.t, "a mail is in hand", func() bool {
		var sending []audit.Notice
		s.inStore(func(ctx context.Context, store app.Storage) (err error) {
			sending, err = store.ListNotices(ctx, "", audit.NoticeSending, 10)
			return err
		})
		return len(sending) > 0
	})
	s.kill(deliver, said)
	s.relay.SetMood(sim.RelayMood{})
	s.Attempts = map[string]int{}
	for login, n := range s.world.Attempts() {
		if n -= attempts[login]; n > 0 {
			s.Attempts[login] = n
		}
	}
	s.Now = s.clock.Now().UTC().Truncate(time.Second)
}

func (s *twoWeeks) kill(cmd *exec.Cmd, said *lockedBuffer) {
	s.t.Helper()
	s.need(cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		s.t.Fatalf("ended before it was killed:\n%s", said)
	}
}

// keep writes the installation down.
func (s *twoWeeks) keep() {
	s.t.Helper()
	s.describe()
	s.expect()
	write := func(name string, data []byte) { s.need(os.WriteFile(filepath.Join(s.folder, name), data, 0o644)) }
	text, err := json.MarshalIndent(s.truth, "", "\t")
	s.need(err)
	write(keptTruth, append(text, '\n'))
	write(keptConfig, []byte(storyConfig))
	everyKey, err := os.ReadFile("../config/testdata/every-key.yaml")
	s.need(err)
	write("every-key.yaml", everyKey)
	write("accounts.csv", []byte(csvOf(s.rows...)))
	for _, name := range []string{"keyset.json", "fingerprint.json"} {
		data, err := os.ReadFile(s.path(name))
		s.need(err)
		write(name, data)
	}
	s.everyKeyStands()
	if s.cluster == nil {
		write(keptSQLite, packedUp(s.sqliteFile()))
		return
	}
	dump, err := s.cluster.Dump("postgres", "mailaudit")
	s.need(err)
	write(keptPostgres, packedUp(dump))
	statements, err := s.cluster.LoggedStatements("mailaudit")
	s.need(err)
	log, err := json.Marshal(statements)
	s.need(err)
	write(keptStatements, packedUp(log))
}

// sqliteFile is the database in one file, its log folded in.
func (s *twoWeeks) sqliteFile() []byte {
	s.t.Helper()
	store, err := sqlite.Open(s.t.Context(), s.path("mailaudit.db"))
	s.need(err)
	defer store.Close()
	_, err = store.DB().Exec(`VACUUM INTO ?`, s.path("whole.db"))
	s.need(err)
	data, err := os.ReadFile(s.path("whole.db"))
	s.need(err)
	return data
}

// describe notes what the program says now.
func (s *twoWeeks) describe() {
	s.t.Helper()
	s.Commit = os.Getenv(keepCommit)
	s.Mailed = s.mailsTo()
	s.Reports = s.keptReports()
	s.Notices = s.keptNotices()
	s.Holds, _ = s.openHolds()
	s.Explained = map[string]keptStory{}
	for _, r := range s.rows {
		id := r["account_id"]
		// One of each kind will do.
		if last := id[len(id)-1]; !strings.HasPrefix(id, "canary") && (last == '0' || last > '9') {
			s.Explained[id] = s.story(id)
		}
	}
	if s.cluster != nil {
		s.Status = s.accountStatus()
	}
	s.inStore(func(ctx context.Context, store app.Storage) error {
		open, err := store.ListRuns(ctx, 10, true)
		if len(open) != 1 {
			s.t.Errorf("%d runs are open, want one", len(open))
		}
		for _, r := range open {
			s.Run = r.Key
		}
		return err
	})
	s.Grants = map[string]string{}
	for _, r := range s.readGrants() {
		if s.world.Lives(r["secret"]) {
			s.Grants[r["secret"]] = r["address"]
		}
	}
}

// readGrants has the accounts' table name the refresh tokens that are stored now, and returns their rows.
func (s *twoWeeks) readGrants() (grants []row) {
	s.t.Helper()
	c, err := config.Load(s.path("mailaudit.yaml"), variables(s.environment))
	s.need(err)
	keys, err := app.OpenKeys(c, variables(s.environment), (&app.Globals{LogLevel: "error"}).Logger(&s.said))
	s.need(err)
	defer keys.Close()
	s.inStore(func(ctx context.Context, store app.Storage) error {
		for _, r := range s.rows {
			id := r["account_id"]
			if r["auth"] != "oauth2" {
				continue
			}
			sealed, err := store.SealedSecrets(ctx, []string{id})
			if err != nil {
				return err
			}
			token, err := keys.Open(id, sealed[id])
			if err != nil {
				return err
			}
			r["secret"] = token.Reveal()
			grants = append(grants, r)
		}
		return nil
	})
	return grants
}

// expect says what must become of it: see [kept.goOn], which has the nights.
func (s *twoWeeks) expect() {
	contact := func(id string) string { return id + "@customers.example" }
	s.Hears = map[string][]string{
		// A first notice each: it was queued, in hand, kept back by a cap or by the tenant's hours, or is due on the
		// night that was cut off. All are reminded within the days that follow.
		contact("queued"):    {"finding", "reminder"},
		contact("twin-b"):    {"finding", "reminder"},
		contact("caught"):    {"finding", "reminder"},
		contact("confirm"):   {"finding", "reminder"},
		contact("ahead-3"):   {"finding", "reminder"},
		"many@group.example": {"finding", "reminder", "reminder", "reminder"},
		contact("shadow"):    {"finding"}, // who was told in shadow was never told
		contact("breaks"):    {"finding"},
		contact("mends"):     {"recovered"},
		// Who was told is reminded when that is due, and hears nothing else.
		contact("told"):          {"reminder"},
		contact("ambiguous"):     {"reminder"},
		contact("tried"):         {"reminder"},
		contact("grant-revoked"): {"reminder"},
		contact("twin-a"):        {"reminder"},
		contact("twin-c"):        {"reminder"},
		contact("released-2"):    {"reminder"},
		contact("released-3"):    {"reminder"},
		contact("released-4"):    {"reminder"},
		contact("released-5"):    {"reminder"},
	}
	fixes := maps.Clone(s.row("mends"))
	fixes["secret"] = letters("mends anew")
	s.Fixes = []row{fixes}
	s.Turns = map[string]sim.Account{
		fixes["address"]:   stands(accepted, fixes["secret"]),
		"shadow@gmail.com": stands(appOnly, s.row("shadow")["secret"]),
		"breaks@gmail.com": stands(refused, s.row("breaks")["secret"]),
		// One of two mailboxes of a contact whose notice is held.
		s.row("held-0")["address"]: stands(accepted, s.row("held-0")["secret"]),
	}
	s.Revoked = []string{"breaks"}
	s.Released = map[string][]string{"fastmail": {"held-0@customers.example", "held-1@customers.example", "held-2@customers.example"}}
}

// everyKeyStands checks that the kept configuration has every key that there is.
func (s *twoWeeks) everyKeyStands() {
	s.t.Helper()
	var file map[string]any
	s.need(yaml.Unmarshal([]byte(storyConfig), &file))
	var walk func(key string, of reflect.Type, given any)
	walk = func(key string, of reflect.Type, given any) {
		values, _ := given.(map[string]any)
		for i := range of.NumField() {
			field := of.Field(i)
			name := field.Tag.Get("yaml")
			if name == "" {
				continue
			}
			value, there := values[name]
			switch {
			case !there:
				s.t.Errorf("the configuration lacks %s%s", key, name)
			case field.Type.Kind() == reflect.Map && field.Type.Elem().Kind() == reflect.Struct:
				walk(key+name+".yahoo.", field.Type.Elem(), value.(map[string]any)["yahoo"])
			case field.Type.Kind() == reflect.Struct && field.Type.Field(0).Tag.Get("yaml") != "":
				walk(key+name+".", field.Type, value)
			}
		}
	}
	walk("", reflect.TypeFor[config.Config](), file)
}

// storyConfig has every key. What differs from place to place is taken from the environment.
const storyConfig = `database: ${TEST_DATABASE}
accounts: {database: "", relation: ""}
fingerprint_key: file:${TEST_FOLDER}/fingerprint.json
installation: the two weeks
database_pooler: ""
keyset: file:${TEST_FOLDER}/keyset.json
schedule: "15 2 * * *"
time_zone: America/Chicago
window: 4h
deliver_within: 1m
network:
  connect_to:
    smtp.gmail.com:465: ${TEST_GMAIL}
    smtp.office365.com:587: ${TEST_MICROSOFT}
    smtp.mail.yahoo.com:465: ${TEST_YAHOO}
    smtp.aol.com:465: ${TEST_AOL}
    smtp.mail.me.com:587: ${TEST_APPLE}
    smtp.zoho.com:465: ${TEST_ZOHO}
    smtp.fastmail.com:465: ${TEST_FASTMAIL}
    mail.clinic.example:465: ${TEST_CLINIC}
    oauth2.googleapis.com:443: ${TEST_GOOGLE_TOKENS}
    login.microsoftonline.com:443: ${TEST_MICROSOFT_TOKENS}
    api.login.yahoo.com:443: ${TEST_YAHOO_TOKENS}
  tls_ca: ${TEST_FOLDER}/ca.pem
  allow_private: true
  timeout: 5s
  proxy: ""
  ehlo: audit.product.example
providers:
  google:
    max_concurrency: 2
    max_rate: 1000/s
    max_refusals: 0
    canaries: {good: [canary-good], bad: [canary-bad]}
    oauth: {client_id: client, client_secret: "${TEST_OAUTH_SECRET}", token_url: "", secret_expires: 2099-01-01}
  microsoft: {max_rate: 1000/s, oauth: {client_id: client, client_secret: "${TEST_OAUTH_SECRET}"}}
  yahoo:
    max_concurrency: 4
    max_rate: 1000/s
    max_refusals: 0
    canaries: {good: [], bad: []}
    oauth:
      client_id: client
      client_secret: ${TEST_OAUTH_SECRET}
      token_url: ""
      secret_expires: 2099-01-01
      aol: {client_id: "", client_secret: "", token_url: "", secret_expires: ""}
  apple: {max_rate: 1000/s}
  zoho: {max_rate: 1000/s}
  fastmail: {max_rate: 1000/s}
  other: {max_rate: 1000/s, max_refusals: 3}
attempts_per_day: 3
retry_after: 1s
recheck_refused: 160h
relay:
  url: smtp://localhost:${TEST_RELAY_PORT}
  username: mailaudit
  password: ${TEST_RELAY_PASSWORD}
  from: "Clinic Support <support@product.example>"
  reply_to: help@product.example
  max_rate: 1000/s
slack: {token: "${TEST_SLACK_TOKEN}", channel: C0SCENE, webhook: "", api_url: "${TEST_SLACK_URL}", show: ids, command_prefix: ""}
notices:
  mode: live
  confirm_nights: 2
  remind_after: [72h, 168h, 336h]
  send_between: "Mon-Fri 09:00-16:00"
  max_per_night: 50
  max_per_recipient: 3
  max_per_tenant: 20
  only: {tenants: [], providers: [], verdicts: []}
  product: ClinicSource
  settings_url: https://app.product.example/mail
  guide_url: ""
  logo: ""
  colour: "#1a73e8"
  support: ClinicSource Support, 555-0142
  recheck_within: 15 minutes
  guides_dir: ""
  oauth_offered: [google]
guard: {max_new_failures: 1%, min_new_failures: 20, max_unreachable: 20%, max_source_loss: 5%}
report: {dir: "${TEST_FOLDER}/reports", url: "", addresses: masked}
metrics: {listen: "127.0.0.1:9464", pushgateway: "", textfile: ""}
dead_man_url: ""
retention: 6y
`
