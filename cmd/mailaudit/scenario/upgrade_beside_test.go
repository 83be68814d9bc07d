package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// oldProgram names a binary of an earlier version: make upgrade OLD=<commit> builds it.
const oldProgram = "MAILAUDIT_OLD"

// Both versions work on one PostgreSQL while it is upgraded, by the real clock: each takes over what the other
// leaves, nobody is asked too often, and nobody is told twice.
func TestOldBesideNew(t *testing.T) {
	old := os.Getenv(oldProgram)
	if old == "" {
		t.Skip("needs the binary of an earlier version: make upgrade OLD=<commit>")
	}
	b := newBeside(t, old)

	b.step("a first night and a night with findings, all by the old version")
	b.ends(b.old("run", "--key", "n0"), exit.Done)
	b.refuse(0, 6)
	b.ends(b.old("run", "--key", "n1"), exit.Done)
	b.hears("finding", 0, 6)
	b.check(2)

	b.step("the tables are brought up to date while the old version works on a night, which both then end")
	oldServe := b.old("serve")
	b.refuse(6, 12)
	b.accept(0, 2)
	oldRun := b.old("run", "--key", "n2")
	b.asked(25)
	b.ends(b.new("migrate"), exit.Done)
	b.migrated = true
	newServe := b.new("serve")
	b.ends(b.new("run", "--key", "n2"), exit.Done)
	b.ends(oldRun, exit.Done)
	b.hears("finding", 6, 12)
	b.hears("recovered", 0, 2)
	b.check(3)

	b.step("a night that the new version begins, and both work on")
	b.refuse(12, 18)
	b.accept(2, 4)
	b.ends(b.new("run", "--key", "n3"), exit.Done)
	b.hears("finding", 12, 18)
	b.hears("recovered", 2, 4)
	b.check(4)

	b.step("the new version dies in the middle of a night; the old one goes on with it")
	b.refuse(18, 24)
	newRun := b.new("run", "--key", "n4")
	b.asked(25)
	b.kill(newRun)
	b.kill(newServe)
	b.concludes("n4")
	b.hears("finding", 18, 24)
	b.check(5)

	b.step("the old version dies in the middle of a night; the new one goes on with it")
	newServe = b.new("serve")
	b.refuse(24, 30)
	b.accept(4, 6)
	newRun = b.new("run", "--key", "n5")
	b.asked(25)
	b.kill(oldServe)
	b.ends(newRun, exit.Done)
	b.concludes("n5")
	b.hears("finding", 24, 30)
	b.hears("recovered", 4, 6)
	b.check(6)
	b.kill(newServe)

	b.step("an old version that is started now looks and works as before, or says that it is too old")
	for _, args := range [][]string{{"notices", "list"}, {"report"}, {"explain", "a-000"}, {"deliver"}} {
		p := b.old(args...)
		err := p.cmd.Wait()
		text := p.said.String()
		switch code := p.cmd.ProcessState.ExitCode(); {
		case err == nil:
			b.t.Logf("old %v: works", args)
		case code == exit.Usage && strings.Contains(text, "install the newer mailaudit"):
			b.t.Logf("old %v: %s", args, lastLine(text))
		default:
			b.t.Errorf("old %v: exit %d: %s", args, code, text)
		}
	}
	b.check(6)
	b.refusedNothing()
}

// beside is an installation on which two versions work.
type beside struct {
	*scene
	program string
	google  *sim.Server
	began   time.Time
	before  int // credentials when the last step began
	wanted  map[string][]string
	// migrated: the tables are those of the new version, which alone reads them from then on.
	migrated bool
	all      []*besideProcess
}

type besideProcess struct {
	name string
	cmd  *exec.Cmd
	said *lockedBuffer
}

const besideAccounts = 120

func newBeside(t *testing.T, program string) *beside {
	t.Helper()
	b := &beside{scene: newScene(t), program: program, wanted: map[string][]string{}, began: time.Now()}
	b.clock.Ahead = 0
	b.settings["database"] = pgtest.Own(t).URL("postgres", pgtest.Admin)
	b.settings["schedule"] = `""`
	b.settings["deliver_within"] = "30s"
	b.settings["guard"] = `{min_new_failures: 1000}`
	b.settings["recheck_refused"] = "1h"
	b.settings["attempts_per_day"] = "100"
	b.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 10000, settings_url: "https://app.product.example/mail"}`
	b.settings["providers"] = `{google: {max_concurrency: 3, max_rate: 1000/s}}`
	b.google = b.play(sim.Google(), sim.Mood{AuthLatency: 50 * time.Millisecond})
	var rows []row
	for i := range besideAccounts {
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%03d", i), "tenant_id": fmt.Sprintf("T-%03d", i), "address": b.login(i),
			"secret": goodSecret, "contact_email": b.contact(i)})
	}
	b.accept(0, besideAccounts)
	b.ends(b.old("keys", "new", "--out", b.path("keyset.json")), exit.Done)
	b.ends(b.old("migrate"), exit.Done)
	b.need(os.WriteFile(b.path("accounts.csv"), []byte(csvOf(rows...)), 0o600))
	b.ends(b.old("accounts", "import", b.path("accounts.csv")), exit.Done)
	return b
}

func (b *beside) login(i int) string   { return fmt.Sprintf("front%03d@gmail.com", i) }
func (b *beside) contact(i int) string { return fmt.Sprintf("owner%03d@clinic.example", i) }

// refuse and accept have Google ask accounts for an app password from now on, or take what they have.
func (b *beside) refuse(from, to int) {
	for i := from; i < to; i++ {
		b.world.Set(b.login(i), sim.Account{Password: goodSecret, TwoFactor: true})
	}
}

func (b *beside) accept(from, to int) {
	for i := from; i < to; i++ {
		b.world.Set(b.login(i), sim.Account{Password: "own", AppPasswords: []string{goodSecret}, TwoFactor: true})
	}
}

func (b *beside) hears(kind string, from, to int) {
	for i := from; i < to; i++ {
		b.wanted[b.contact(i)] = append(b.wanted[b.contact(i)], kind)
	}
}

func (b *beside) step(what string) {
	b.t.Logf("%6.1f s: %s", time.Since(b.began).Seconds(), what)
	b.before = b.google.Counters().Credentials
}

// serving processes have an address of their own each.
func (b *beside) configure(args []string) {
	if args[0] == "serve" {
		b.settings["metrics"] = inYAML(map[string]any{"listen": freeAddress(b.t)})
	}
	b.writeConfig()
}

func (b *beside) old(args ...string) *besideProcess {
	b.t.Helper()
	b.configure(args)
	p := &besideProcess{name: "old " + strings.Join(args, " "), said: &lockedBuffer{}}
	p.cmd = exec.CommandContext(b.t.Context(), b.program, append([]string{"--config", b.path("mailaudit.yaml"), "--log-level", "warn"}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	b.need(p.cmd.Start())
	b.all = append(b.all, p)
	return p
}

func (b *beside) new(args ...string) *besideProcess {
	b.t.Helper()
	b.configure(args)
	p := &besideProcess{name: "new " + strings.Join(args, " ")}
	p.cmd, p.said = b.process(append([]string{"--log-level", "warn"}, args...)...)
	b.all = append(b.all, p)
	return p
}

func (b *beside) ends(p *besideProcess, code int) {
	b.t.Helper()
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		b.t.Fatalf("%s: exit %d\n%s", p.name, got, p.said)
	}
}

func (b *beside) kill(p *besideProcess) {
	b.t.Helper()
	b.need(p.cmd.Process.Signal(syscall.SIGKILL))
	p.cmd.Wait()
}

// asked waits until so many accounts of the night were asked.
func (b *beside) asked(n int) {
	b.t.Helper()
	before := b.before
	within(b.t, "some accounts were asked", func() bool { return b.google.Counters().Credentials >= before+n })
}

// concludes waits until whoever is left has brought a run to its end and told of it: what a killed process held
// is taken over after 75 seconds.
func (b *beside) concludes(key string) {
	b.t.Helper()
	posts := len(b.summaries())
	until := time.Now().Add(4 * time.Minute)
	for b.report(key).Run.Status != "concluded" || len(b.summaries()) < posts {
		if time.Now().After(until) {
			b.t.Fatalf("run %s does not come to an end", key)
		}
		time.Sleep(time.Second)
	}
}

// written are the notices, as the version says that reads the tables.
func (b *beside) written() (all []noticeRow) {
	b.t.Helper()
	if b.migrated {
		return b.notices("--limit", "100000")
	}
	p := b.old("notices", "list", "--format", "json", "--limit", "100000")
	b.ends(p, exit.Done)
	b.need(json.Unmarshal([]byte(p.said.String()), &all))
	return all
}

// check holds the mails, the summaries and the attempts of so many nights against what must be.
func (b *beside) check(nights int) {
	b.t.Helper()
	var got map[string][]string
	until := time.Now().Add(2 * time.Minute)
	for {
		if got = b.mailsBy(b.written()); maps.EqualFunc(b.wanted, got, slices.Equal) || time.Now().After(until) {
			break
		}
		time.Sleep(time.Second)
	}
	if diff := cmp.Diff(b.wanted, got); diff != "" {
		b.t.Fatalf("mails (-wanted +got):\n%s", diff)
	}
	within(b.t, "each night has its summary", func() bool { return len(b.summaries()) >= nights })
	if n := len(b.summaries()); n != nights {
		b.t.Errorf("%d summaries of %d nights", n, nights)
	}
	// A process that was killed has used up the attempts that it held.
	kills := 0
	for _, p := range b.all {
		if p.cmd.ProcessState != nil && !p.cmd.ProcessState.Exited() {
			kills++
		}
	}
	again := 0
	for login, n := range b.world.Attempts() {
		if n > nights+kills {
			b.t.Errorf("%s was asked %d times in %d nights", login, n, nights)
		}
		if n > nights {
			again++
		}
	}
	b.t.Logf("%6.1f s: %d nights, %d mails, %d processes killed, %d accounts asked once more for it", time.Since(b.began).Seconds(), nights, len(b.relay.Messages()), kills, again)
}

// refusedNothing: no statement of either version was refused by the tables.
func (b *beside) refusedNothing() {
	b.t.Helper()
	for _, p := range b.all {
		text := p.said.String()
		if strings.Contains(text, "SQLSTATE") || strings.Contains(text, `"level":"ERROR"`) {
			b.t.Errorf("%s said:\n%s", p.name, text)
		}
	}
}
