package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

func TestPurgeAndRetention(t *testing.T) {
	t.Parallel()
	s, _ := tenNights(t)
	page := s.path("reports/night-5/report.html")
	read := func(path string) string {
		t.Helper()
		data, err := os.ReadFile(path)
		s.need(err)
		return string(data)
	}
	if text := read(page); !strings.Contains(text, "T-1") || !strings.Contains(text, "a02") {
		t.Fatal("the tenant is not in the page at all")
	}
	before := s.done("report", "night-5")
	o := s.done("accounts", "purge", "--tenant", "T-1", "--by", "mk", "--why", "asked in writing")
	if !strings.Contains(o, "2 accounts and ") || !strings.Contains(o, "10 nights in report.dir rebuilt; purged-") {
		t.Errorf("purge says %s", o)
	}
	after := s.done("report", "night-5")
	if sums(before) != sums(after) || strings.Contains(after, "do not add up") {
		t.Errorf("the numbers were\n%s\nand are\n%s", before, after)
	}
	for _, text := range []string{read(page), s.done("report", "night-5", "--format", "json"), s.done("report", "night-5", "--format", "csv")} {
		if strings.Contains(text, "T-1") || strings.Contains(text, "a02") || !strings.Contains(text, "purged-") {
			t.Errorf("the report of an old night still tells of the tenant: %s", text)
		}
	}
	for _, file := range []string{"mailaudit.db", "mailaudit.db-wal"} {
		data, err := os.ReadFile(s.path(file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "a02@") {
			t.Errorf("%s still holds a mailbox of the tenant", file)
		}
	}
	s.fails(1, "nothing is kept of tenant", "accounts", "purge", "--tenant", "T-1", "--by", "mk")
	s.fails(exit.Usage, "--by is empty", "accounts", "purge", "--tenant", "T-2", "--by", " ")
	s.done("accounts", "purge", "--tenant", "T-5", "--by", "mk")
	pack := s.evidence()
	if got := compared(pack); got[0] != "same" || !strings.HasPrefix(got[5], "same since the purge of 20") {
		t.Errorf("compared after the purges: %q", got)
	}
	actions := pack.table("operator-actions.csv")
	if len(actions) != 4 || actions[1][2] != "accounts purge" || !strings.HasPrefix(actions[1][3], "T-1 as purged-") {
		t.Errorf("actions %v", actions)
	}

	s.settings["retention"] = "30d"
	s.need(os.RemoveAll(s.path("reports/night-1")))
	s.need(os.WriteFile(s.path("reports/night-1"), nil, 0o600)) // no folder, so that it cannot be taken away as one
	s.atNight(36)
	s.done("run", "--key", "late", "--accept-source")
	if text := s.done("report", "late"); !strings.Contains(text, "8 accounts, 100 % verified") {
		t.Errorf("the night after the purges: %s", text)
	}
	for night, want := range map[string]bool{"night-0": false, "night-5": false, "night-7": true, "late": true} {
		_, err := os.Stat(s.path(filepath.Join("reports", night)))
		if o := s.do("report", night); (o.code == 0) != want || (err == nil) != want {
			t.Errorf("%s: report exits with %d, folder %v; want kept %v", night, o.code, err, want)
		}
	}
	if index := read(s.path("reports/index.html")); strings.Contains(index, "night-5") || !strings.Contains(index, "night-7") {
		t.Errorf("index %s", index)
	}
	if got := compared(s.evidence()); !strings.HasPrefix(got[0], "same since the purge of 20") || got[len(got)-1] != "same" {
		t.Errorf("compared after old nights went: %q", got)
	}

	s.sabotage("UPDATE verdict_changes SET rule = 'google/other' WHERE account_id = 'a01'")
	if got := compared(s.evidence()); got[0] != "DIFFERENT" {
		t.Errorf("compared after a change behind the program's back: %q", got)
	}
	s.done("accounts", "purge", "--tenant", "T-2", "--by", "mk")
	if got := compared(s.evidence()); !strings.HasPrefix(got[0], "DIFFERENT, before the purge of 20") {
		t.Errorf("compared after a purge that came later than that change: %q", got)
	}
}

func (s *scene) evidence() packed {
	s.t.Helper()
	s.done("evidence", "--from", "2020-01-01", "--to", "2040-01-01", "--out", s.path("pack.zip"))
	return unzipped(s.t, s.path("pack.zip"))
}

// compared is what the pack says of each night's digest.
func compared(p packed) (all []string) {
	for _, d := range p.table("digests.csv")[1:] {
		all = append(all, d[3])
	}
	return all
}

// sums are the lines of a text report that count.
func sums(text string) string {
	_, rest, _ := strings.Cut(text, "mailboxes")
	counts, _, _ := strings.Cut(rest, "New failures")
	return counts
}

// sabotage changes the database behind the program's back.
func (s *scene) sabotage(query string) {
	s.t.Helper()
	store, err := sqlite.Open(s.t.Context(), s.path("mailaudit.db"))
	s.need(err)
	defer store.Close()
	res, err := store.DB().Exec(query)
	s.need(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		s.t.Fatalf("sabotage changed nothing: %v", err)
	}
}

// A tenant that the product still has would be taken in again the next night: its purge is refused, and takes nothing.
func TestPurgeWaitsForTheProduct(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	s.done("keys", "new", "--out", s.path("keyset.json"))
	s.done("migrate")
	s.imported(
		row{"account_id": "a-1", "tenant_id": "T-1", "address": "a-1@gmail.com", "secret": "abcdefghijklmnop"},
		row{"account_id": "a-2", "tenant_id": "T-2", "address": "a-2@gmail.com", "secret": "abcdefghijklmnop"})
	cluster.Exec(t, "postgres", `CREATE SCHEMA app; CREATE TABLE app.boxes AS SELECT account_id, tenant_id, address, secret FROM mailaudit.mail_accounts`)
	s.settings["accounts"] = `{relation: app.boxes}`
	s.world.Set("a-1@gmail.com", sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.world.Set("a-2@gmail.com", sim.Account{AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.done("run", "--key", "night-1")

	s.fails(exit.Failed, "tenant T-1 still has accounts", "accounts", "purge", "--tenant", "T-1", "--by", "mk")
	if kept := s.done("report", "night-1", "--format", "csv"); !strings.Contains(kept, "T-1") {
		t.Errorf("something was purged:\n%s", kept)
	}
	cluster.Exec(t, "postgres", `DELETE FROM app.boxes WHERE tenant_id = 'T-1'`)
	s.done("accounts", "purge", "--tenant", "T-1", "--by", "mk")
	if kept := s.done("report", "night-1", "--format", "csv"); strings.Contains(kept, "T-1") || !strings.Contains(kept, "T-2") {
		t.Errorf("after the purge the report is\n%s", kept)
	}
}
