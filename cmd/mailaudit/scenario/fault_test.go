package scenario

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/demo"
	"mailaudit/providers/sim"
)

// The night as many processes work on it while everything around them fails: processes are killed, the
// database is restarted, relay and Slack come and go. Whatever happens, no account is asked more often than
// attempts_per_day, everyone has one verdict, nobody is mailed twice, and there is one summary.
//
// make test runs a short form once; make fault runs the whole so many times over as MAILAUDIT_FAULT says, some
// nights side by side: most of a night is waiting until a killed process's share is taken over. The seeds are
// printed, and MAILAUDIT_FAULT_SEED plays one again. Nights of an odd seed go through a pooler.

type faultPlan struct {
	accounts, processes, kills, restarts int
	seed                                 uint64
}

func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("a night of faults takes minutes")
	}
	t.Parallel()
	plan := faultPlan{accounts: 400, processes: 4, kills: 8, restarts: 1}
	nights := 1
	if n := variable(t, "MAILAUDIT_FAULT"); n > 0 {
		plan.accounts, plan.kills, plan.restarts = 2000, 30, 2
		nights = int(n)
	}
	seed := variable(t, "MAILAUDIT_FAULT_SEED")
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for i := range nights {
		plan := plan
		plan.seed = seed + uint64(i)
		t.Run(fmt.Sprintf("seed %d", plan.seed), func(t *testing.T) {
			t.Parallel()
			newFaultNight(t, plan).unfold()
		})
	}
}

// variable reads a number of the environment; 0 if it is not set.
func variable(t *testing.T, name string) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

type faultNight struct {
	*scene
	faultPlan
	random  *rand.Rand
	cluster *pgtest.Cluster
	server  *sim.Server
	refused []string // contacts of the refused accounts
}

func newFaultNight(t *testing.T, plan faultPlan) *faultNight {
	n := &faultNight{scene: newScene(t), faultPlan: plan, random: rand.New(rand.NewPCG(plan.seed, 1)), cluster: pgtest.Own(t)}
	n.clock.Ahead = 0
	n.settings["database"] = n.cluster.URL("postgres", pgtest.Admin)
	if plan.seed%2 == 1 {
		t.Log("through pgbouncer")
		n.settings["database"] = n.cluster.Pool(t).URL("postgres", pgtest.Admin)
		n.settings["database_pooler"] = "transaction"
	}
	n.settings["deliver_within"] = "20s"
	n.settings["guard"] = `{min_new_failures: 100000}`
	n.settings["providers"] = `{google: {max_concurrency: 5, max_rate: 1000/s}}`
	n.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 100000, settings_url: "https://app.product.example/mail"}`
	n.server = n.play(sim.Google(), sim.Mood{AuthLatency: 100 * time.Millisecond})
	var rows []row
	for i := range plan.accounts {
		login := fmt.Sprintf("front%04d@gmail.com", i)
		truth := sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true}
		contact := fmt.Sprintf("contact%04d@customers.example", i)
		if i%20 == 0 {
			truth.AppPasswords = nil
			n.refused = append(n.refused, contact)
		}
		n.world.Set(login, truth)
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%04d", i), "tenant_id": fmt.Sprintf("T-%04d", i), "address": login,
			"secret": "abcdefghijklmnop", "contact_email": contact})
	}
	n.done("migrate")
	n.install(rows...)
	return n
}

// worker is one process's place; whoever dies in it is followed by another.
type worker struct {
	cmd   *exec.Cmd
	ended chan error
}

func (n *faultNight) start() *worker {
	cmd, _ := n.process("--log-level", "error", "run", "--key", "night")
	w := &worker{cmd: cmd, ended: make(chan error, 1)}
	go func() { w.ended <- cmd.Wait() }()
	return w
}

func (n *faultNight) unfold() {
	workers := make([]*worker, n.processes)
	for i := range workers {
		workers[i] = n.start()
	}
	for kill := range n.kills {
		time.Sleep(time.Duration(50+n.random.IntN(450)) * time.Millisecond)
		i := n.random.IntN(len(workers))
		workers[i].cmd.Process.Kill()
		<-workers[i].ended
		workers[i] = n.start()
		n.surround(kill)
	}
	n.relay.SetMood(sim.RelayMood{})
	n.slack.SetMood(sim.SlackMood{})
	n.finish(workers)
	n.check()
}

// surround changes what is around the processes.
func (n *faultNight) surround(kill int) {
	n.relay.SetMood(demo.Pick(n.random, sim.RelayMood{}, sim.RelayMood{Latency: 50 * time.Millisecond}, sim.RelayMood{DropBeforeDot: true},
		sim.RelayMood{DropAfterDot: true}, sim.RelayMood{Mail: "451 4.3.0 Try again later"}))
	n.slack.SetMood(demo.Pick(n.random, sim.SlackMood{}, sim.SlackMood{Status: 503}, sim.SlackMood{DropAfter: true, Times: 1}))
	if n.restarts > 0 && kill%(n.kills/n.restarts) == n.kills/n.restarts/2 {
		n.need(n.cluster.Crash())
		time.Sleep(500 * time.Millisecond)
		n.need(n.cluster.Up())
	}
}

// finish starts processes until each has ended well: what one of them leaves owed, the next delivers.
func (n *faultNight) finish(workers []*worker) {
	deadline := time.After(8 * time.Minute)
	for _, w := range workers {
		for done := false; !done; {
			select {
			case err := <-w.ended:
				if done = err == nil; !done {
					w = n.start()
				}
			case <-deadline:
				n.t.Fatal("the night does not come to an end")
			}
		}
	}
}

func (n *faultNight) check() {
	r := n.report("night")
	if r.Run.Status != "concluded" || r.Run.Accounts != n.accounts {
		n.t.Errorf("run %+v", r.Run)
	}
	sum := 0
	for _, count := range r.Verdicts {
		sum += count
	}
	if sum != n.accounts || r.Verdicts["compliant"]+r.Verdicts["invalid"]+r.Verdicts["unverified"] != sum || r.Verdicts["invalid"] > len(n.refused) {
		n.t.Errorf("verdicts %v of %d accounts", r.Verdicts, n.accounts)
	}
	for login, times := range n.world.Attempts() {
		if times > 2 {
			n.t.Errorf("%s was asked %d times", login, times)
		}
	}
	// A summary whose answer was lost is looked up before it is posted again.
	if got := len(n.summaries()); got != 1 {
		n.t.Errorf("%d summaries", got)
	}
	n.told(r.Verdicts["invalid"])
	n.t.Logf("verdicts %v, %d mails", r.Verdicts, len(n.recipients()))
}

// told: whoever was refused has one mail, or is listed as ambiguous.
func (n *faultNight) told(refused int) {
	mails := n.recipients()
	if len(slices.Compact(slices.Clone(mails))) != len(mails) {
		n.t.Errorf("somebody was mailed twice")
	}
	states := map[string]int{}
	var lines []noticeRow
	n.need(json.Unmarshal([]byte(n.done("notices", "list", "--format", "json", "--limit", "100000")), &lines))
	for _, line := range lines {
		states[line.State]++
	}
	if states["sent"]+states["ambiguous"] != refused || len(mails) < states["sent"] || len(mails) > refused {
		n.t.Errorf("%d mails for %d refused accounts, notices %v", len(mails), refused, states)
	}
}
