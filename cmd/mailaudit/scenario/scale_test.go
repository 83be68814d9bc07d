package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/providers/sim"
)

// How much faster several processes are than one where the provider's latency is the limit: real processes and a
// real PostgreSQL, with the simulated provider in this process. make scale prints it. The figures are of the
// night itself, from its start to its conclusion. Each round measures one beside several, so that a busy
// machine slows both.

const (
	scaleLatency  = 200 * time.Millisecond
	scaleCeiling  = 20 // conversations at once in each process
	scaleAccounts = 12000
)

func TestScale(t *testing.T) {
	rounds := int(variable(t, "MAILAUDIT_SCALE"))
	if rounds == 0 {
		t.Skip("a measurement of minutes: make scale")
	}
	cluster := pgtest.Own(t)
	sides := []int{1, 4}
	took := map[int][]time.Duration{}
	for round := range rounds {
		for _, n := range sides {
			database := fmt.Sprintf("round%d_%d", round, n)
			cluster.Exec(t, "postgres", "CREATE DATABASE "+database)
			took[n] = append(took[n], scaleNight(t, cluster.URL(database, pgtest.Admin), n))
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%d accounts, %v latency, %d at once in each process\n\n| processes | night | accounts a second | times as fast |\n| --- | --- | --- | --- |\n",
		scaleAccounts, scaleLatency, scaleCeiling)
	for _, n := range sides {
		// The median, for a machine has other things to do.
		middle := median(took[n])
		fmt.Fprintf(&table, "| %d | %.1f s | %.0f | %.2f |\n", n, middle.Seconds(), scaleAccounts/middle.Seconds(), median(took[1]).Seconds()/middle.Seconds())
	}
	fmt.Fprint(os.Stdout, table.String())
}

func median(all []time.Duration) time.Duration {
	all = slices.Clone(all)
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return all[len(all)/2]
}

// scaleNight has n processes make one night.
func scaleNight(t *testing.T, database string, n int) time.Duration {
	s := newScene(t)
	s.clock.Ahead = 0
	s.settings["database"] = database
	s.settings["guard"] = `{min_new_failures: 100000}`
	s.settings["notices"] = `{mode: off}`
	s.settings["providers"] = fmt.Sprintf(`{google: {max_concurrency: %d, max_rate: 1000/s}}`, scaleCeiling)
	server := s.play(sim.Google(), sim.Mood{AuthLatency: scaleLatency})
	defer server.Close()
	var rows []row
	for i := range scaleAccounts {
		login := fmt.Sprintf("front%05d@gmail.com", i)
		s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%05d", i), "tenant_id": fmt.Sprintf("T-%05d", i), "address": login, "secret": "abcdefghijklmnop"})
	}
	s.done("migrate")
	s.install(rows...)
	var ended []func() error
	for range n {
		cmd, said := s.process("--log-level", "error", "run", "--key", "night")
		ended = append(ended, func() error {
			if err := cmd.Wait(); err != nil {
				return fmt.Errorf("%w: %s", err, said)
			}
			return nil
		})
	}
	for _, end := range ended {
		s.need(end())
	}
	var r struct {
		Run struct {
			StartedAt  time.Time `json:"started_at"`
			FinishedAt time.Time `json:"finished_at"`
			Verified   int
		}
	}
	s.need(json.Unmarshal([]byte(s.done("report", "--format", "json", "night")), &r))
	if sent := server.Counters().Credentials; r.Run.Verified != scaleAccounts || sent != scaleAccounts {
		t.Fatalf("%d processes: %d accounts verified, %d credentials sent", n, r.Run.Verified, sent)
	}
	took := r.Run.FinishedAt.Sub(r.Run.StartedAt)
	t.Logf("%d processes: %.1f s, at most %d conversations at once", n, took.Seconds(), server.Counters().MaxOpen)
	return took
}
