package scenario

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// This version goes on from what each released one left behind, and no customer hears of the upgrade.

func TestUpgradeOnSQLite(t *testing.T)   { upgradeAll(t, "sqlite") }
func TestUpgradeOnPostgres(t *testing.T) { upgradeAll(t, "postgres") }

func upgradeAll(t *testing.T, database string) {
	t.Parallel()
	for _, folder := range keptInstallations(t, database) {
		t.Run(filepath.Base(filepath.Dir(folder)), func(t *testing.T) {
			t.Parallel()
			k := installKept(t, folder)
			k.opens()
			k.remembers()
			k.saysNothing()
			k.goesOn()
			k.decides()
		})
	}
}

// opens migrates, as an operator who upgrades does, and takes the configuration and the accounts as they were.
func (k *kept) opens() {
	k.t.Helper()
	if k.cluster != nil {
		k.done("migrate")
	}
	k.done("accounts", "list")
	k.done("accounts", "import", "--dry-run", filepath.Join(k.folder, "accounts.csv"))
}

// remembers checks that reports, explanations and numbers of old nights are what they were.
func (k *kept) remembers() {
	k.t.Helper()
	if diff := cmp.Diff(k.Reports, k.keptReports()); diff != "" {
		k.t.Errorf("reports of old runs (-before +after):\n%s", diff)
	}
	k.done("evidence", "--from", "2020-01-01", "--to", "2040-01-01", "--out", k.path("pack.zip"))
	compared := 0
	for _, d := range unzipped(k.t, k.path("pack.zip")).table("digests.csv")[1:] {
		if compared++; !strings.HasPrefix(d[3], "same") {
			k.t.Errorf("the digest of run %s: %s", d[0], d[3])
		}
	}
	if compared != len(k.Reports) {
		k.t.Errorf("%d digests of %d concluded runs", compared, len(k.Reports))
	}
	for _, id := range sortedKeys(k.Explained) {
		if diff := cmp.Diff(k.Explained[id], k.story(id)); diff != "" {
			k.t.Errorf("explain %s (-before +after):\n%s", id, diff)
		}
	}
	if diff := cmp.Diff(k.Notices, k.keptNotices()); diff != "" {
		k.t.Errorf("notices (-before +after):\n%s", diff)
	}
	holds, _ := k.openHolds()
	if diff := cmp.Diff(k.Holds, holds); diff != "" {
		k.t.Errorf("holds (-before +after):\n%s", diff)
	}
	if k.cluster != nil {
		if diff := cmp.Diff(k.Status, k.accountStatus()); diff != "" {
			k.t.Errorf("account_status (-before +after):\n%s", diff)
		}
	}
	k.done("report", k.Run)
	k.done("keys", "status")
}

// saysNothing checks that the upgrade itself mailed, posted and asked nothing.
func (k *kept) saysNothing() {
	k.t.Helper()
	if got := k.recipients(); len(got) > 0 {
		k.t.Errorf("the upgrade has mailed %v", got)
	}
	if posts := k.slack.Posts(); len(posts) > 0 {
		k.t.Errorf("the upgrade has posted %s", posts[0].Payload)
	}
	if n := k.counters().Credentials; n > 0 {
		k.t.Errorf("the upgrade has signed in %d times", n)
	}
}

// on sets the clock to an hour of a day, by days since the kept night, in UTC.
func (k *kept) on(day, hour, minute int) {
	y, m, d := k.Now.Date()
	k.clock.Set(time.Date(y, m, d+day, hour, minute, 0, 0, time.UTC))
}

// runs is a run. One that finds mails whose hours nobody has met for a day says so, and exits 1.
func (k *kept) runs() {
	k.t.Helper()
	if o := k.do("run"); o.code != exit.Done && !strings.Contains(o.stderr, "have been due for 24 hours") {
		k.t.Fatalf("run: exit %d: %s", o.code, o.stderr)
	}
}

// goesOn plays the rest of the interrupted night and the two nights after it.
func (k *kept) goesOn() {
	k.t.Helper()
	held, _ := k.openHolds()
	k.on(0, 9, 40)
	k.runs()
	if r := k.report(k.Run); r.Run.Status != "concluded" {
		k.t.Fatalf("the interrupted run: %+v", r.Run)
	}
	if n := len(k.summaries()); n != 1 {
		k.t.Errorf("%d summaries of the interrupted run", n)
	}
	k.attemptsKept()
	k.on(0, 16, 30)
	k.done("deliver")
	k.on(0, 18, 0)
	if text := k.done("run", "--changed"); !strings.HasPrefix(text, "0 ") {
		k.t.Errorf("secrets look changed: %s", text)
	}
	for _, r := range k.Fixes {
		k.stand(r["address"], k.Turns[r["address"]])
	}
	k.imported(k.Fixes...)
	if text := k.done("run", "--changed"); !strings.HasPrefix(text, "1 ") {
		k.t.Errorf("one customer has entered a new password: %s", text)
	}
	k.on(0, 20, 0)
	k.done("deliver")

	for login, a := range k.Turns {
		k.stand(login, a)
	}
	for _, day := range []int{1, 4} { // Friday and Monday
		k.on(day, 8, 15)
		k.runs()
		for _, hour := range []int{12, 17, 20} { // somewhere on earth it is the middle of the day
			k.on(day, hour, 0)
			k.done("deliver")
		}
	}
	if diff := cmp.Diff(k.Hears, k.mailsTo()); diff != "" {
		k.t.Errorf("what contacts were mailed (-wanted +got):\n%s", diff)
		for _, id := range sortedKeys(k.Explained) {
			if diff := cmp.Diff(k.Hears[id+"@customers.example"], k.mailsTo()[id+"@customers.example"]); diff != "" {
				k.t.Log(k.done("explain", id))
			}
		}
	}
	revoked := k.report("").verdictsOf()["revoked"]
	for _, id := range k.Revoked {
		if !slices.Contains(revoked, id) {
			k.t.Errorf("%s was accepted before the upgrade with the same secret, and is not revoked but: %s", id, k.story(id).Verdict)
		}
	}
	if holds, _ := k.openHolds(); !maps.Equal(holds, held) {
		k.t.Errorf("holds were %v and are %v", held, holds)
	}
	k.leftClean()
}

func (k *kept) stand(login string, a sim.Account) { k.world.Set(login, a) }

// attemptsKept checks that the day's attempts of before the upgrade count after it.
func (k *kept) attemptsKept() {
	k.t.Helper()
	c, err := config.Load(k.path("mailaudit.yaml"), variables(k.environment))
	k.need(err)
	for login, n := range k.world.Attempts() {
		if strings.HasPrefix(login, "canary") {
			continue // these have attempts of their own
		}
		if all := n + k.Attempts[login]; all > c.AttemptsPerDay {
			k.t.Errorf("%s was asked %d times in a day, %d of them before the upgrade", login, all, k.Attempts[login])
		}
	}
}

// decides releases a hold of the old version: those who wait in it are mailed once, and nobody else.
func (k *kept) decides() {
	k.t.Helper()
	k.on(5, 16, 30)
	k.done("deliver")
	for provider, contacts := range k.Released {
		before := k.mailsTo()
		k.decide("release", provider, "--by", "jo")
		k.done("deliver")
		after := k.mailsTo()
		for _, contact := range contacts {
			if !slices.Equal(after[contact], []string{"finding"}) {
				k.t.Errorf("after the release %s was mailed %v", contact, after[contact])
			}
			delete(after, contact)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			k.t.Errorf("the release has mailed others (-before +after):\n%s", diff)
		}
	}
}

// A process of an old version may still be at work when the tables are migrated: every statement that it sends
// must still run.
func TestOldStatementsRunOnTheNewTables(t *testing.T) {
	t.Parallel()
	for _, folder := range keptInstallations(t, "postgres") {
		t.Run(filepath.Base(filepath.Dir(folder)), func(t *testing.T) {
			t.Parallel()
			k := installKept(t, folder)
			k.done("migrate")
			var statements []pgtest.Statement
			k.need(json.Unmarshal(k.unpacked(keptStatements), &statements))
			if len(statements) < 100 {
				t.Errorf("only %d statements", len(statements))
			}
			failed, err := k.cluster.Play(t.Context(), "postgres", statements)
			k.need(err)
			for i, err := range failed {
				if err != nil {
					t.Errorf("%v\n%s", err, statements[i].SQL)
				}
			}
		})
	}
}
