package scenario

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/providers/sim"
)

// make repaired
var (
	changes = flag.Int("changes", 1000, "secrets that change")
	over    = flag.Duration("within", 5*time.Minute, "the time in which they do")
	kills   = flag.Int("kills", 50, "how often serve is killed")
)

// repairs are accounts whose passwords fail, and a product that repairs them and is told, in PostgreSQL.
type repairs struct {
	*scene
	to   *product
	rows []row
}

func failing(t *testing.T, n int) repairs {
	t.Helper()
	if os.Getenv("MAILAUDIT_REPAIRED") == "" {
		t.Skip("make repaired")
	}
	r := repairs{scene: newScene(t)}
	r.keptIn(inPostgres)
	r.clock.Ahead = 0
	r.play(sim.Google(), sim.Mood{AuthLatency: 200 * time.Millisecond})
	r.to = startProduct(t)
	r.settings["schedule"] = `""`
	r.settings["metrics"] = inYAML(map[string]any{"listen": freeAddress(t)})
	r.settings["guard"] = `{max_new_failures: 100%, min_new_failures: 100000}`
	r.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, max_per_night: 100}`
	r.settings["network"] = inYAML(map[string]any{"tls_ca": r.path("ca.pem"), "ehlo": "audit.product.example", "timeout": "30s", "connect_to": r.places, "allow_private": true})
	r.settings["events"] = inYAML(map[string]any{"url": r.to.URL + "/hooks", "secret": eventSecret + " " + eventSecretOld})
	for i := range n {
		login := fmt.Sprintf("box%d@gmail.com", i)
		r.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{r.right(i)}, TwoFactor: true})
		r.rows = append(r.rows, row{"account_id": fmt.Sprintf("a%d", i), "tenant_id": fmt.Sprintf("T-%d", i), "address": login,
			"secret": clinicSecret, "contact_email": fmt.Sprintf("c%d@customers.example", i)})
	}
	r.install(r.rows...)
	r.done("run")
	return r
}

// right is an app password of an account: sixteen letters.
func (r repairs) right(i int) string {
	secret := []byte("rightrightrrrrrr")
	for at := len(secret) - 1; i > 0; at, i = at-1, i/26 {
		secret[at] = 'a' + byte(i%26)
	}
	return string(secret)
}

// repair has the product commit the right secrets of some accounts.
func (r repairs) repair(from, to int) {
	for i := from; i < to; i++ {
		r.rows[i]["secret"] = r.right(i)
	}
	r.imported(r.rows[from:to]...)
}

// told waits until each account's recovery has been taken, and checks what was told meanwhile.
func (r repairs) told(wait time.Duration) map[string]time.Time {
	r.t.Helper()
	until := time.Now().Add(wait)
	recovered := map[string]time.Time{}
	for len(recovered) < len(r.rows) {
		if time.Now().After(until) {
			r.t.Fatalf("%d of %d recoveries are told", len(recovered), len(r.rows))
		}
		time.Sleep(100 * time.Millisecond)
		r.to.mu.Lock()
		for _, e := range r.to.tries {
			id, _ := e.data["account_id"].(string)
			if _, known := recovered[id]; e.kind == "account.recovered" && !known {
				recovered[id] = e.at
			}
		}
		r.to.mu.Unlock()
	}
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	ids, repeats := map[string]string{}, 0
	for _, e := range r.to.tries {
		id, _ := e.data["account_id"].(string)
		name := e.kind + " " + id
		if was, told := ids[name]; told && id != "" {
			if repeats++; was != e.id {
				r.t.Errorf("%s was told under two ids", name)
			}
		}
		ids[name] = e.id
		if e.kind == "account.recovered" && ids["account.failing "+id] == "" {
			r.t.Errorf("%s recovered before it failed", id)
		}
	}
	most := 0
	for _, n := range r.world.Attempts() {
		most = max(most, n)
	}
	if most > 3 { // two for the secret that failed, and one for the right one
		r.t.Errorf("a mailbox was tried %d times", most)
	}
	r.t.Logf("%d events for %d accounts, %d repeats under their ids, at most %d sign-ins a mailbox", len(r.to.tries), len(r.rows), repeats, most)
	return recovered
}

// Changed passwords, spread evenly: from the product's commit to the event that it works again.
func TestRepairedWithinAMinute(t *testing.T) {
	t.Parallel()
	r := failing(t, *changes)
	cmd, _ := r.process("serve")
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	within(t, "the failing accounts are told", func() bool { return len(r.to.kinds()) >= *changes })
	before := r.scans()
	committed := map[string]time.Time{}
	begun := time.Now()
	for from := 0; from < *changes; {
		to := min(*changes, max(from+1, int(float64(*changes)*float64(time.Since(begun)+time.Second)/float64(*over))))
		r.repair(from, to)
		for ; from < to; from++ {
			committed[fmt.Sprintf("a%d", from)] = time.Now()
		}
		time.Sleep(time.Second)
	}
	recovered := r.told(3 * time.Minute)
	took := time.Since(begun)
	after := r.scans()
	var all []time.Duration
	for id, at := range committed {
		all = append(all, recovered[id].Sub(at))
	}
	slices.Sort(all)
	t.Logf("%d changes in %s: p50 %s, p99 %s, most %s", len(all), took.Round(time.Second), all[len(all)/2].Round(100*time.Millisecond),
		all[len(all)*99/100].Round(100*time.Millisecond), all[len(all)-1].Round(100*time.Millisecond))
	t.Logf("the source meanwhile, the product's own commits among it: %d index scans, %d sequential scans", after[0]-before[0], after[1]-before[1])
	if p99 := all[len(all)*99/100]; p99 > time.Minute {
		t.Errorf("p99 is %s", p99)
	}
}

// scans counts what was read of the accounts' table: index scans, sequential scans.
func (r repairs) scans() (n [2]int64) {
	time.Sleep(2 * time.Second) // the statistics are late
	conn, err := pgx.Connect(r.t.Context(), r.cluster.URL("postgres", pgtest.Admin))
	r.need(err)
	defer conn.Close(context.Background())
	r.need(conn.QueryRow(r.t.Context(), `SELECT idx_scan, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'mailaudit' AND relname = 'mail_accounts'`).Scan(&n[0], &n[1]))
	return n
}

// serve is killed again and again while passwords are repaired: each recovery is told, under one id, after its failure.
func TestKilledServesLoseNoEvent(t *testing.T) {
	t.Parallel()
	r := failing(t, 2**kills)
	r.settings["watch"] = "500ms"
	for i := range *kills {
		cmd, _ := r.process("serve")
		time.Sleep(time.Second + rand.N(time.Second))
		r.repair(2*i, 2*i+2)
		time.Sleep(rand.N(2500 * time.Millisecond))
		r.need(cmd.Process.Kill())
		cmd.Wait()
	}
	r.done("run", "--key", "after") // whose attempt went with a process: the day's last one is the night's
	cmd, _ := r.process("serve")
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	r.told(5 * time.Minute)
}
