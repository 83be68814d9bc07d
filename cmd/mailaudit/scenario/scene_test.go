package scenario

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/demo"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// TestMain lets the test binary be the program itself, so that tests can kill a process of their own.
func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(m.Run())
	case "panicking":
		os.Exit(panicking(os.Args[1:]))
	case "elsewhen":
		os.Exit(elsewhen(os.Args[1:]))
	default:
		cli.Main()
	}
}

const asProgram = "MAILAUDIT_TEST_AS_PROGRAM"

// clockAhead is by how much the clock of a program that is "elsewhen" differs from this machine's.
const clockAhead = "MAILAUDIT_TEST_CLOCK_AHEAD"

// stuckSooner is after how many failures a step of such a program is stuck, where ten would take a test too long.
const stuckSooner = "MAILAUDIT_TEST_STUCK_AFTER"

func elsewhen(args []string) int {
	ahead, err := time.ParseDuration(os.Getenv(clockAhead))
	if err != nil {
		panic(err)
	}
	if text := os.Getenv(stuckSooner); text != "" {
		if app.StuckAfter, err = strconv.Atoi(text); err != nil {
			panic(err)
		}
	}
	ctx, stop := cli.UntilSignal(context.Background())
	defer stop()
	clock := demo.Clock{Ahead: ahead}
	return cli.Run(ctx, args, app.Env{LookupEnv: os.LookupEnv, Stdout: os.Stdout, Stderr: os.Stderr, Now: clock.Now})
}

// onPostgres, if set, has the scenes play on PostgreSQL: make postgres.
const onPostgres = "MAILAUDIT_TEST_ON_POSTGRES"

// needed ends a test that lacks what it needs: it fails where nothing may be skipped, as in make test.
func needed(t *testing.T, missing []string) {
	t.Helper()
	switch {
	case len(missing) == 0:
	case os.Getenv("MAILAUDIT_TEST_REQUIRE") != "":
		t.Fatalf("not installed: %s; .ci/install installs it", strings.Join(missing, ", "))
	default:
		t.Skipf("not installed: %s", strings.Join(missing, ", "))
	}
}

// scene is an installation in a folder of its own beside simulated servers. Tests use it as operators use
// the program: by its configuration and its commands.
type scene struct {
	t         *testing.T
	dir       string
	clock     *demo.Clock
	authority *sim.Authority
	world     *sim.World
	servers   []*sim.Server
	places    map[string]string // network.connect_to
	relay     *sim.Relay
	slack     *sim.Slack
	cluster   *pgtest.Cluster // of a scene that is kept in PostgreSQL
	env       []string        // of processes, beside this one's

	// settings are the rest of the configuration, by top-level key, as YAML values on one line.
	settings map[string]string
	// text, if set, is the configuration in their place, and environment what it names.
	text        string
	environment map[string]string
	// said is everything that the program ever wrote to its terminal.
	said bytes.Buffer
}

const (
	sceneRelayPassword = "scene-relay-pw"
	sceneSlackToken    = "xoxb-scene"
	sceneAppToken      = "xapp-scene"
)

// newScene starts with a relay and a stand-in for Slack, notices at once, and night 0 about to begin.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), clock: &demo.Clock{}, world: sim.NewWorld(), places: map[string]string{}}
	authority, err := sim.NewAuthority()
	s.need(err)
	s.authority = authority
	s.relay, err = sim.StartRelay(sim.RelayOptions{Authority: authority, Hosts: []string{"localhost"}, Username: "mailaudit", Password: sceneRelayPassword})
	s.need(err)
	t.Cleanup(s.relay.Close)
	s.slack, err = sim.StartSlack(sim.SlackOptions{Token: sceneSlackToken, Channel: "C0SCENE", AppToken: sceneAppToken})
	s.need(err)
	t.Cleanup(s.slack.Close)
	_, relayPort, _ := strings.Cut(s.relay.Addr(), ":")
	s.settings = map[string]string{
		"keyset":       "file:" + s.path("keyset.json"),
		"installation": "scene",
		"retry_after":  "1s",
		"providers":    inYAML(generous()),
		"relay": fmt.Sprintf(`{url: "smtp://localhost:%s", username: mailaudit, password: %s, from: "Clinic Support <support@product.example>", max_rate: 1000/s}`,
			relayPort, sceneRelayPassword),
		"slack":   fmt.Sprintf(`{token: %s, channel: C0SCENE, api_url: "%s"}`, sceneSlackToken, s.slack.APIURL()),
		"notices": `{mode: live, send_between: "", confirm_nights: 1, settings_url: "https://app.product.example/mail"}`,
	}
	if os.Getenv(onPostgres) != "" {
		s.keptIn(inPostgres)
	} else {
		s.keptIn(inSQLite)
	}
	s.need(os.WriteFile(s.path("ca.pem"), authority.PEM(), 0o644))
	s.atNight(0)
	return s
}

// The databases that a scene can be kept in.
const (
	inSQLite   = "SQLite"
	inPostgres = "PostgreSQL"
)

// keptIn gives the scene an empty database; install migrates it where the commands do not.
func (s *scene) keptIn(database string) {
	s.t.Helper()
	s.settings["database"] = "sqlite:" + s.path("mailaudit.db")
	if database == inPostgres {
		s.cluster = pgtest.Own(s.t)
		s.settings["database"] = s.cluster.URL("postgres", pgtest.Admin)
	}
}

func (s *scene) isEmbedded() bool { return strings.HasPrefix(s.settings["database"], "sqlite:") }

// generous are ceilings that no simulated server needs, and no limit to refusals.
func generous() map[string]any {
	all := map[string]any{}
	for _, name := range []string{"google", "microsoft", "yahoo", "apple", "zoho", "fastmail", "other"} {
		all[name] = map[string]any{"max_concurrency": 16, "max_rate": "1000/s", "max_refusals": 0}
	}
	return all
}

// inYAML relies on JSON being YAML.
func inYAML(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// variables is an environment of the given variables alone.
func variables(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func (s *scene) need(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

// play starts a simulated provider under all its names.
func (s *scene) play(persona sim.Persona, mood sim.Mood) *sim.Server {
	s.t.Helper()
	server, err := sim.Start(persona, sim.Options{Authority: s.authority, World: s.world, Mood: mood})
	s.need(err)
	s.t.Cleanup(server.Close)
	s.servers = append(s.servers, server)
	for _, host := range persona.Hosts {
		s.places[host+":465"], s.places[host+":587"] = server.TLSAddr(), server.STARTTLSAddr()
	}
	return server
}

// atNight sets the clock to 02:15 of a night; each lies 24 hours after the one before, all of them in the past.
func (s *scene) atNight(n int) {
	s.clock.Set(sceneStart().AddDate(0, 0, n).Add(2*time.Hour + 15*time.Minute))
}

func sceneStart() time.Time {
	return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -60)
}

func (s *scene) writeConfig() {
	s.t.Helper()
	network := inYAML(map[string]any{
		"tls_ca": s.path("ca.pem"), "ehlo": "audit.product.example", "timeout": "5s", "connect_to": s.places,
	})
	var b strings.Builder
	if s.settings["network"] == "" {
		fmt.Fprintf(&b, "network: %s\n", network)
	}
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		fmt.Fprintf(&b, "%s: %s\n", key, s.settings[key])
	}
	text := b.String()
	if s.text != "" {
		text = s.text
	}
	// A process that has just been started may be reading it.
	fresh := s.path("mailaudit.yaml.new")
	s.need(os.WriteFile(fresh, []byte(text), 0o600))
	s.need(os.Rename(fresh, s.path("mailaudit.yaml")))
}

// outcome is what a command left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// do runs a command in this process.
func (s *scene) do(args ...string) outcome {
	s.t.Helper()
	return s.doUntil(s.t.Context(), args...)
}

func (s *scene) doUntil(ctx context.Context, args ...string) outcome {
	s.t.Helper()
	s.writeConfig()
	var out, err bytes.Buffer
	code := cli.Run(ctx, append([]string{"--config", s.path("mailaudit.yaml")}, args...), app.Env{
		LookupEnv: variables(s.environment), Stdout: &out, Stderr: &err, Now: s.clock.Now,
	})
	s.said.Write(out.Bytes())
	s.said.Write(err.Bytes())
	return outcome{code, out.String(), err.String()}
}

// done runs a command that must succeed and gives its standard output.
func (s *scene) done(args ...string) string {
	s.t.Helper()
	o := s.do(args...)
	if o.code != exit.Done {
		s.t.Fatalf("mailaudit %s: exit %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o.stdout
}

// row is an account as imported; column names are those of the CSV.
type row map[string]string

// csvOf writes rows under the columns that any of them has.
func csvOf(rows ...row) string {
	names := map[string]bool{}
	for _, r := range rows {
		for name := range r {
			names[name] = true
		}
	}
	columns := slices.Sorted(maps.Keys(names))
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(columns)
	for _, r := range rows {
		fields := make([]string, len(columns))
		for i, name := range columns {
			fields[i] = r[name]
		}
		w.Write(fields)
	}
	w.Flush()
	return b.String()
}

// importText hands a CSV text to accounts import.
func (s *scene) importText(text string) outcome {
	s.t.Helper()
	name := s.path("accounts.csv")
	s.need(os.WriteFile(name, []byte(text), 0o600))
	o := s.do("accounts", "import", name)
	s.need(os.Remove(name))
	return o
}

// embedded is for tests that look into SQLite's file, or are about its lock: make postgres leaves them out.
func (s *scene) embedded() {
	s.t.Helper()
	if !s.isEmbedded() {
		s.t.Skip("is about the embedded database")
	}
}

// install makes the keys and imports the accounts.
func (s *scene) install(rows ...row) {
	s.t.Helper()
	s.done("keys", "new", "--out", s.path("keyset.json"))
	if !s.isEmbedded() {
		s.done("migrate")
	}
	s.imported(rows...)
}

func (s *scene) imported(rows ...row) {
	s.t.Helper()
	if o := s.importText(csvOf(rows...)); o.code != exit.Done {
		s.t.Fatalf("import: exit %d: %s", o.code, o.stderr)
	}
}

// nightReport is the JSON report as scripts read it.
type nightReport struct {
	Run struct {
		Key, Status        string
		Accounts, Verified int
		Renumbered         int
	}
	Verdicts  map[string]int
	Providers []struct {
		Provider string
		Verdicts map[string]int
	}
	Changes struct {
		NewlyFailing int `json:"newly_failing"`
		Recovered    int
		StillFailing int `json:"still_failing"`
	}
	Notices  map[string]int
	Findings []struct {
		AccountID string `json:"account_id"`
		Provider  string
		Verdict   string
		Previous  string
		Reply     string
		Rule      string
		Notice    string
	}
}

// report reads a run's report; "" is the latest.
func (s *scene) report(key string) nightReport {
	s.t.Helper()
	args := []string{"report", "--format", "json"}
	if key != "" {
		args = append(args, key)
	}
	var r nightReport
	s.need(json.Unmarshal([]byte(s.done(args...)), &r))
	sum := 0
	for _, n := range r.Verdicts {
		sum += n
	}
	if sum != r.Run.Accounts {
		s.t.Errorf("run %s: verdicts add up to %d, accounts are %d", r.Run.Key, sum, r.Run.Accounts)
	}
	return r
}

// verdictsOf lists the accounts of the findings by verdict.
func (r nightReport) verdictsOf() map[string][]string {
	by := map[string][]string{}
	for _, f := range r.Findings {
		by[f.Verdict] = append(by[f.Verdict], f.AccountID)
	}
	for _, ids := range by {
		slices.Sort(ids)
	}
	return by
}

// counters adds up those of all providers.
func (s *scene) counters() (sum sim.Counters) {
	for _, server := range s.servers {
		n := server.Counters()
		sum.Connections += n.Connections
		sum.Open += n.Open
		sum.Auths += n.Auths
		sum.Credentials += n.Credentials
		sum.MailFrom += n.MailFrom
		sum.Quits += n.Quits
	}
	return sum
}

// leftClean checks what holds after every command: nobody is kept waiting on an open connection, and no
// provider was ever given mail to send.
func (s *scene) leftClean() {
	s.t.Helper()
	within(s.t, "every connection is closed", func() bool { return s.counters().Open == 0 })
	if n := s.counters().MailFrom; n != 0 {
		s.t.Errorf("%d MAIL FROM at providers", n)
	}
}

// within waits for what other processes do in their own time.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	until := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(until) {
			t.Fatalf("in vain waited until %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// recipients lists to whom the relay has carried mail, in order of the alphabet, once for each mail.
func (s *scene) recipients() []string {
	var all []string
	for _, m := range s.relay.Messages() {
		all = append(all, m.To...)
	}
	slices.Sort(all)
	return all
}

// summaries are the messages that opened a thread in Slack.
func (s *scene) summaries() []sim.Post {
	var all []sim.Post
	for _, p := range s.slack.Posts() {
		if p.Method == "chat.postMessage" && p.ThreadTS == "" {
			all = append(all, p)
		}
	}
	return all
}
