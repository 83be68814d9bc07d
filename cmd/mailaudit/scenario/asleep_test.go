package scenario

import (
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

// A process that is stopped in the middle of its work, and goes on when another has done it: what it still
// holds in its hands is written over nothing, and no mail leaves twice. Its share is taken over when its time is
// up; the test turns the clocks of that share instead of waiting.

type sleepers struct {
	*scene
	server   *sim.Server
	cluster  *pgtest.Cluster
	database string
}

func newSleepers(t *testing.T, cluster *pgtest.Cluster, database string) *sleepers {
	s, server := slowNight(t)
	s.clock.Ahead = 0
	c := &sleepers{scene: s, server: server, cluster: cluster, database: database}
	cluster.Exec(t, "postgres", "CREATE DATABASE "+database)
	s.settings["database"] = cluster.URL(database, pgtest.Admin)
	s.settings["guard"] = `{min_new_failures: 100000}`
	s.done("migrate")
	s.imported(slowRows(s)...)
	return c
}

// sleeps stops a process and makes what it has in hand look as old as it will be once it is missed.
func (c *sleepers) sleeps(cmd *exec.Cmd) {
	c.t.Helper()
	c.need(cmd.Process.Signal(syscall.SIGSTOP))
	c.t.Cleanup(func() { cmd.Process.Kill() })
	time.Sleep(200 * time.Millisecond) // what it has sent to the database is done
	c.cluster.Exec(c.t, c.database, `
		UPDATE mailaudit.river_job SET attempted_at = attempted_at - interval '10 minutes' WHERE state = 'running';
		UPDATE mailaudit.notices SET claimed_at = claimed_at - interval '10 minutes' WHERE state = 'sending'`)
}

// wakes lets it go on, and it ends well without having changed anything.
func (c *sleepers) wakes(cmd *exec.Cmd, said *lockedBuffer) {
	c.t.Helper()
	before, mails := c.stored(), c.recipients()
	c.need(cmd.Process.Signal(syscall.SIGCONT))
	if err := cmd.Wait(); err != nil {
		c.t.Errorf("the sleeper: %v\n%s", err, said)
	}
	if diff := cmp.Diff(before, c.stored()); diff != "" {
		c.t.Errorf("the sleeper wrote (-before +after):\n%s", diff)
	}
	if after := c.recipients(); !slices.Equal(after, mails) {
		c.t.Errorf("mails to %v, and after the sleeper to %v", mails, after)
	}
}

// stored is every row of what the night decides and remembers. Attempts are left out: what the sleeper had
// reserved and not used it gives back.
func (c *sleepers) stored() (rows []string) {
	c.t.Helper()
	for _, table := range []string{"runs", "batches", "account_states", "verdict_changes", "run_notes", "run_facts", "notices", "notice_items", "holds"} {
		rows = append(rows, c.cluster.Texts(c.t, c.database, `SELECT '`+table+` ' || t::text FROM mailaudit.`+table+` t ORDER BY 1`)...)
	}
	return rows
}

func (c *sleepers) another() {
	c.t.Helper()
	cmd, said := c.process("--log-level", "error", "run", "--key", "night")
	if err := cmd.Wait(); err != nil {
		c.t.Fatalf("%v\n%s", err, said)
	}
}

func TestSleeperWritesOverNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the queue's housekeeping")
	}
	t.Parallel()
	cluster := pgtest.Own(t)
	t.Run("verdicts", func(t *testing.T) {
		t.Parallel()
		c := newSleepers(t, cluster, "verdicts")
		sleeper, said := c.process("run", "--key", "night")
		within(t, "some accounts were asked", func() bool { return c.server.Counters().Credentials >= 12 })
		c.sleeps(sleeper)
		// Whoever is asked from here on is refused: what the sleeper has heard is not true any more.
		for login := range c.world.Attempts() {
			c.world.Change(login, func(a *sim.Account) { a.AppPasswords = nil })
		}
		c.another()
		r := c.report("night")
		if r.Run.Status != "concluded" || r.Verdicts["unverified"] != 0 {
			t.Errorf("%+v %v", r.Run, r.Verdicts)
		}
		c.wakes(sleeper, said)
		for login, n := range c.world.Attempts() {
			if n > 2 {
				t.Errorf("%s was asked %d times", login, n)
			}
		}
		if n := len(c.summaries()); n != 1 {
			t.Errorf("%d summaries", n)
		}
	})
	t.Run("mails", func(t *testing.T) {
		t.Parallel()
		c := newSleepers(t, cluster, "mails")
		sleeper, said := c.process("run", "--key", "night")
		within(t, "some accounts were asked", func() bool { return c.server.Counters().Credentials >= 40 })
		c.relay.SetMood(sim.RelayMood{MailLatency: time.Second})
		within(t, "some mails have left", func() bool { return len(c.relay.Messages()) >= 2 })
		time.Sleep(500 * time.Millisecond) // the next waits for its answer
		c.sleeps(sleeper)
		c.relay.SetMood(sim.RelayMood{})
		c.another()
		c.toldOnceOrListed(refusedContacts())
		c.wakes(sleeper, said)
		c.toldOnceOrListed(refusedContacts())
		if n := len(c.summaries()); n != 1 {
			t.Errorf("%d summaries", n)
		}

		// A mail that a process was sending when it was killed is owed, and leaves once the claim holds no more.
		leaves := func(claimed string) {
			t.Helper()
			c.cluster.Exec(t, c.database, `UPDATE mailaudit.notices SET state = 'sending', sent_at = NULL, claimed_at = now() - interval '`+claimed+`'
				WHERE notice_id = (SELECT min(notice_id) FROM mailaudit.notices WHERE state IN ('sent', 'sending'))`)
		}
		before := len(c.relay.Messages())
		c.settings["deliver_within"] = "1s"
		leaves("1 second")
		if o := c.do("deliver"); o.code != exit.Failed || !strings.Contains(lastLine(o.stderr), "1 mail is being sent") {
			t.Errorf("exit %d while a mail is being sent by nobody knows whom: %s", o.code, lastLine(o.stderr))
		}
		c.settings["deliver_within"] = "30s"
		leaves("1 minute")
		c.done("deliver")
		if n := len(c.relay.Messages()) - before; n != 1 {
			t.Errorf("%d mails left after the claim was over, want 1", n)
		}
	})
}
