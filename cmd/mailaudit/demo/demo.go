package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// Cmd is the command demo.
type Cmd struct {
	Out      string `default:"mailaudit-demo" placeholder:"DIR" help:"The folder to write."`
	Accounts int    `default:"300" help:"How many simulated accounts."`
	Nights   int    `default:"5" help:"How many nights."`
	Keep     bool   `help:"Leave the simulated providers, relay and Slack up until Ctrl-C, with a hold to decide on."`
}

// demo plays the nights. It uses the program as an operator would: by its commands, over real sockets.
type demo struct {
	Cmd
	mailaudit Program
	around    app.Env
	story     *story
	servers   map[string]*sim.Server
	relay     *sim.Relay
	slack     *sim.Slack
	clock     *Clock
	log       string
	last      string // the key of the last night
	firstKey  string
}

// Clock runs like the real one, from whatever hour it was set to.
type Clock struct{ Ahead time.Duration }

// Now is the hour that the clock shows.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead) }

// Set has the clock show a moment from now on.
func (c *Clock) Set(moment time.Time) { c.Ahead = time.Until(moment) }

// demoWindow is the default of the configuration, by which a night gets its name.
const demoWindow = 4 * time.Hour

// demoMark tells a folder that a demo may replace from one that it must not touch.
const demoMark = ".mailaudit-demo"

// Program is the whole program but its process.
type Program func(ctx context.Context, args []string, around app.Env) int

func (d Cmd) Run(ctx context.Context, g *app.Globals, env *app.Env, mailaudit Program) error {
	if d.Accounts < 1 || d.Accounts > 20000 {
		return exit.Usagef("--accounts %d is not between 1 and 20000", d.Accounts)
	}
	if d.Nights < 1 || d.Nights > 60 {
		return exit.Usagef("--nights %d is not between 1 and 60", d.Nights)
	}
	if err := d.prepareFolder(); err != nil {
		return err
	}
	w := &demo{Cmd: d, mailaudit: mailaudit, around: *env, story: newStory(inventCustomers(d.Accounts)), clock: &Clock{}, log: g.LogLevel}
	w.around.Now = w.clock.Now
	if err := w.open(); err != nil {
		return err
	}
	defer w.close()
	if err := w.play(ctx); err != nil {
		return err
	}
	if err := w.leave(); err != nil || !w.Keep {
		return err
	}
	return w.keep(ctx)
}

func (d Cmd) prepareFolder() error {
	entries, err := os.ReadDir(d.Out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look into %s: %w", d.Out, err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(d.Out, demoMark)); err != nil {
			return exit.Usagef("%s is not empty and no demo has left it; name another folder with --out", d.Out)
		}
		if err := os.RemoveAll(d.Out); err != nil {
			return fmt.Errorf("clear %s: %w", d.Out, err)
		}
	}
	if err := os.MkdirAll(d.Out, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", d.Out, err)
	}
	return os.WriteFile(filepath.Join(d.Out, demoMark), []byte("mailaudit demo may replace this folder\n"), 0o644)
}

func (w *demo) path(name string) string { return filepath.Join(w.Out, name) }

// open starts the simulated world and writes what an operator would: configuration, keyset, accounts.
func (w *demo) open() (err error) {
	authority, err := sim.NewAuthority()
	if err != nil {
		return err
	}
	w.servers = map[string]*sim.Server{}
	for name, persona := range personas() {
		server, err := sim.Start(persona, sim.Options{Authority: authority, World: w.story.world})
		if err != nil {
			return err
		}
		w.servers[name] = server
	}
	if w.relay, err = sim.StartRelay(sim.RelayOptions{Authority: authority, Hosts: []string{"127.0.0.1"}, Username: "mailaudit", Password: demoRelayPassword}); err != nil {
		return err
	}
	if w.slack, err = sim.StartSlack(sim.SlackOptions{Token: demoSlackToken, Channel: "C0MAILAUDIT"}); err != nil {
		return err
	}
	if err := os.WriteFile(w.path("ca.pem"), authority.PEM(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(w.path("mailaudit.yaml"), w.configuration(), 0o600) // it holds passwords, as every configuration does
}

func (w *demo) close() {
	for _, s := range w.servers {
		s.Close()
	}
	if w.relay != nil {
		w.relay.Close()
	}
	if w.slack != nil {
		w.slack.Close()
	}
}

// These open nothing but the simulators of one demo.
const (
	demoRelayPassword = "demo-relay"
	demoSlackToken    = "xoxb-demo"
)

func (w *demo) configuration() []byte {
	var b bytes.Buffer
	after := "gone when the demo has ended"
	if w.Keep {
		after = "up until its Ctrl-C"
	}
	fmt.Fprintf(&b, `# What the demo ran with. The simulated servers are %[2]s; the rest is as on your own machine.
database: sqlite:%[1]s/mailaudit.db
keyset: file:%[1]s/keyset.json
installation: demo
retry_after: 1s
network:
  tls_ca: %[1]s/ca.pem
  ehlo: demo.clinicsource.example
  connect_to:
`, filepath.ToSlash(w.Out), after)
	places := map[string]*sim.Server{}
	for name, persona := range personas() {
		for i, host := range persona.Hosts {
			// A name that two kinds share belongs to the one that greets with it.
			if places[host] == nil || i == 0 {
				places[host] = w.servers[name]
			}
		}
	}
	for _, host := range slices.Sorted(maps.Keys(places)) {
		fmt.Fprintf(&b, "    %q: %q\n    %q: %q\n", host+":465", places[host].TLSAddr(), host+":587", places[host].STARTTLSAddr())
	}
	b.WriteString("providers:\n")
	for _, name := range []string{"google", "microsoft", "yahoo", "apple", "zoho", "fastmail", "other"} {
		fmt.Fprintf(&b, "  %s: {max_concurrency: 20, max_rate: 1000/s}\n", name)
	}
	_, port, _ := strings.Cut(w.relay.Addr(), ":")
	fmt.Fprintf(&b, `relay:
  url: smtp://127.0.0.1:%s
  username: mailaudit
  password: %s
  from: ClinicSource Support <support@clinicsource.example>
slack:
  token: %s
  channel: C0MAILAUDIT
  api_url: %s
notices:
  mode: live
  settings_url: https://app.clinicsource.example/settings/mail
  support: ClinicSource Support, 555-0142
report:
  dir: %s/reports
`, port, demoRelayPassword, demoSlackToken, w.slack.APIURL(), filepath.ToSlash(w.Out))
	return b.Bytes()
}

// command runs the program as from a shell.
func (w *demo) command(ctx context.Context, args ...string) error {
	args = append([]string{"--config", w.path("mailaudit.yaml"), "--log-level", w.logLevel()}, args...)
	var failure bytes.Buffer
	env := w.around
	env.Stdout = io.Discard
	if w.log == "info" {
		env.Stderr = &failure
	}
	if code := w.mailaudit(ctx, args, env); code != exit.Done {
		return fmt.Errorf("mailaudit %s ended with %d: %s", strings.Join(args[4:], " "), code, strings.TrimSpace(failure.String()))
	}
	return nil
}

// logLevel keeps the demo's terminal quiet unless more was asked for.
func (w *demo) logLevel() string {
	if w.log == "info" {
		return "error"
	}
	return w.log
}

func (w *demo) play(ctx context.Context) error {
	monday := demoMonday(time.Now(), w.nightsAgo())
	w.clock.Set(monday)
	w.story.beforeTheFirstNight()
	if err := w.command(ctx, "keys", "new", "--out", w.path("keyset.json")); err != nil {
		return err
	}
	if err := w.importAll(ctx, w.story.customers); err != nil {
		return err
	}
	fmt.Fprintf(w.around.Stdout, "%d accounts of invented clinics, %d nights, all on loopback\n\n", len(w.story.customers), w.Nights)
	for night := 1; night <= w.Nights; night++ {
		if w.Keep && night == w.Nights {
			w.story.policyReachesMany()
		}
		day := monday.AddDate(0, 0, night-1)
		if err := w.night(ctx, night, day); err != nil {
			return err
		}
		repaired, yahooDown := w.story.after(night)
		if len(repaired) > 0 {
			if err := w.importAll(ctx, repaired); err != nil {
				return err
			}
		}
		w.setYahoo(yahooDown)
	}
	return nil
}

// nightsAgo is how many days ago the first night was, at least. Who goes on from here with --keep finds the last one recent.
func (w *demo) nightsAgo() int {
	if w.Keep {
		return w.Nights - 1
	}
	return 13
}

func (w *demo) setYahoo(down bool) {
	var mood sim.Mood
	if down {
		mood.At = map[sim.Step]sim.Act{sim.AtSecret: sim.Say("454 4.3.0 Temporary authentication failure, try again later")}
	}
	w.servers["yahoo"].SetMood(mood)
}

// night is one run at 02:15 and the mails of the following day.
func (w *demo) night(ctx context.Context, night int, day time.Time) error {
	w.clock.Set(day.Add(2*time.Hour + 15*time.Minute))
	w.last = app.NightKey(w.clock.Now(), demoWindow, time.UTC)
	mails, posts := len(w.relay.Messages()), len(w.slack.Posts())
	if err := w.command(ctx, "run"); err != nil {
		return err
	}
	headline := "no summary"
	if all := w.slack.Posts(); len(all) > posts {
		headline = headlineOf(all[posts].Payload)
	}
	if _, err := fmt.Fprintf(w.around.Stdout, "night %d  %s\n", night, headline); err != nil {
		return err
	}
	switch night {
	case 1:
		w.firstKey = w.last
	case 2:
		if err := w.decide(ctx); err != nil {
			return err
		}
	}
	w.clock.Set(day.Add(18 * time.Hour)) // within clinic hours from New York to Los Angeles
	if err := w.command(ctx, "deliver"); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.around.Stdout, "         e-mails to customers: %d\n", len(w.relay.Messages())-mails)
	return err
}

// decide is what operations do about a hold: on the first night everything that was wrong for years is new,
// so the guard holds the e-mails until somebody has looked.
func (w *demo) decide(ctx context.Context) error {
	held, err := w.holding(ctx)
	if err != nil || !held {
		return err
	}
	if _, err := fmt.Fprintf(w.around.Stdout, "         an operator looks at what is on hold and approves it\n"); err != nil {
		return err
	}
	return w.command(ctx, "notices", "release", "--run", w.firstKey, "--provider", "microsoft", "--by", "dana",
		"--why", "first look at old passwords; three checked by hand")
}

// holding reports whether Microsoft's notices wait for a person; with few accounts they do not.
func (w *demo) holding(ctx context.Context) (bool, error) {
	var out bytes.Buffer
	env := w.around
	env.Stdout = &out
	args := []string{"--config", w.path("mailaudit.yaml"), "--log-level", "error", "notices", "list", "--state", "held", "--format", "json"}
	if code := w.mailaudit(ctx, args, env); code != exit.Done {
		return false, fmt.Errorf("mailaudit notices list ended with %d", code)
	}
	return bytes.Contains(out.Bytes(), []byte(`"microsoft"`)), nil
}

// headlineOf is the first line of a message's plain text, without the marks that Slack makes bold of.
func headlineOf(payload json.RawMessage) string {
	var m struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return "unreadable"
	}
	line, _, _ := strings.Cut(m.Text, "\n")
	return strings.ReplaceAll(line, "*", "")
}

func (w *demo) importAll(ctx context.Context, customers []*customer) error {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	if err := out.Write(demoColumns); err != nil {
		return err
	}
	for _, c := range customers {
		if err := out.Write(c.csvRow()); err != nil {
			return err
		}
	}
	out.Flush()
	name := w.path("accounts.csv")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return err
	}
	return w.command(ctx, "accounts", "import", name)
}

// leave writes what there is to look at.
func (w *demo) leave() error {
	if err := os.Remove(w.path("accounts.csv")); err != nil { // it holds secrets in the open, as every import file does
		return err
	}
	if err := w.leaveSlack(); err != nil {
		return err
	}
	if err := w.leaveMails(); err != nil {
		return err
	}
	for _, name := range []string{"report.html", "report.json"} {
		page, err := os.ReadFile(filepath.Join(w.Out, "reports", w.last, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(w.path(name), page, 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w.around.Stdout, `
Look into %[1]s:
  report.html     the last run, for a browser; reports/ has every run
  report.json     the same for programs
  slack.json      what operations read each morning
  notices/*.eml   the e-mails to customers, for any mail program
Ask it:
  mailaudit --config %[1]s/mailaudit.yaml report
  mailaudit --config %[1]s/mailaudit.yaml notices list
`, w.Out)
	return err
}

func (w *demo) leaveSlack() error {
	var payloads []json.RawMessage
	for _, p := range w.slack.Posts() {
		payloads = append(payloads, p.Payload)
	}
	slack, err := json.MarshalIndent(payloads, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(w.path("slack.json"), append(slack, '\n'), 0o644)
}

func (w *demo) leaveMails() error {
	if err := os.MkdirAll(w.path("notices"), 0o755); err != nil {
		return err
	}
	for i, m := range w.relay.Messages() {
		to := "nobody"
		if len(m.To) > 0 {
			to, _, _ = strings.Cut(m.To[0], "@")
		}
		if err := os.WriteFile(filepath.Join(w.path("notices"), fmt.Sprintf("%03d-%s.eml", i+1, slug(to))), m.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
