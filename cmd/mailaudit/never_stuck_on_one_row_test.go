package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/providers/sim"
)

// refusing is something that a database refuses from now on: to write some rows of a table.
type refusing struct {
	table, operation string // "notices", "UPDATE"
	rows             string // of NEW and OLD
}

// refuses has the scene's database refuse something, whichever it is, until it is allowed again.
func (s *scene) refuses(all ...refusing) (allow func()) {
	s.t.Helper()
	var allowed []string
	for i, r := range all {
		name := fmt.Sprintf("refusing_%d_%s", i, r.table)
		if s.isEmbedded() {
			s.inDatabase(fmt.Sprintf(`CREATE TRIGGER %s BEFORE %s ON %s WHEN %s BEGIN SELECT RAISE(ABORT, 'refused'); END`, name, r.operation, r.table, r.rows))
			allowed = append(allowed, `DROP TRIGGER `+name)
			continue
		}
		s.cluster.Exec(s.t, "postgres", fmt.Sprintf(`CREATE FUNCTION mailaudit.%[1]s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
			CREATE TRIGGER %[1]s BEFORE %[2]s ON mailaudit.%[3]s FOR EACH ROW WHEN (%[4]s) EXECUTE FUNCTION mailaudit.%[1]s()`, name, r.operation, r.table, r.rows))
		allowed = append(allowed, fmt.Sprintf(`DROP TRIGGER %s ON mailaudit.%s`, name, r.table))
	}
	return func() {
		s.t.Helper()
		for _, statement := range allowed {
			if s.isEmbedded() {
				s.inDatabase(statement)
			} else {
				s.cluster.Exec(s.t, "postgres", statement)
			}
		}
	}
}

// clinicsIn are twenty clinics at Google after a first night on which all was well.
func clinicsIn(t *testing.T, database string) *scene {
	t.Helper()
	s := newScene(t)
	s.keptIn(database)
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for i := range 20 {
		rows = append(rows, s.clinic(i, "gmail.com"))
	}
	s.install(rows...)
	s.concludes(0)
	return s
}

// concludes plays a night, which ends well, and gives its report.
func (s *scene) concludes(n int) nightReport {
	s.t.Helper()
	s.atNight(n)
	key := fmt.Sprintf("night-%d", n)
	if o := s.alone("run", "--key", key); o.code != exitDone {
		s.t.Fatalf("night %d: exit %d:\n%s", n, o.code, lastLines(o.stderr, 12))
	}
	r := s.report(key)
	if r.Run.Status != "concluded" || r.Run.Accounts != 20 {
		s.t.Errorf("night %d is %s, with %d accounts", n, r.Run.Status, r.Run.Accounts)
	}
	if got := len(s.summaries()); got != n+1 {
		s.t.Errorf("%d summaries in Slack after night %d", got, n)
	}
	return r
}

func (s *scene) unverified(r nightReport, want ...string) {
	s.t.Helper()
	if got := r.verdictsOf()["unverified"]; !slices.Equal(got, want) {
		s.t.Errorf("run %s: unverified are %v, want %v", r.Run.Key, got, want)
	}
}

// toldOps: the last summary names each of these.
func (s *scene) toldOps(want ...string) {
	s.t.Helper()
	said := s.lastSummary()
	for _, text := range want {
		if !strings.Contains(said, text) {
			s.t.Errorf("the summary does not say %q:\n%s", text, said)
		}
	}
}

func onBoth(t *testing.T, play func(t *testing.T, database string)) {
	t.Parallel()
	for _, database := range []string{inSQLite, inPostgres} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			play(t, database)
		})
	}
}

// Rows of single accounts and mails that cannot be written, or read, cost those alone: the run concludes, the others
// are mailed, operations are told, and once the rows are well again, nobody has been forgotten.
func TestIncidentRowsThatCannotBeWrittenAreSetAside(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := clinicsIn(t, database)
		s.revoke(0, 10)
		allow := s.refuses(
			refusing{"account_states", "UPDATE", `NEW.account_id = 'a-01' AND NEW.settled_seq <> OLD.settled_seq`},
			refusing{"account_states", "UPDATE", `NEW.account_id = 'a-02'`},
			refusing{"notice_items", "INSERT", `NEW.account_id = 'a-03'`},
			refusing{"notices", "UPDATE", `NEW.contact_email = 'contact04@customers.example'`},
			refusing{"verdict_changes", "INSERT", `NEW.account_id = 'a-05'`},
		)
		garble := s.garbles("a-06")
		s.unverified(s.concludes(1), "a-01", "a-02", "a-03", "a-05", "a-06")
		s.mailedTo("contact00@customers.example", "contact07@customers.example", "contact08@customers.example", "contact09@customers.example")
		s.toldOps("states of 4 accounts cannot be read or written (a-01, a-03, a-05, a-06)", "result of account a-02 cannot be stored", "e-mail M-")
		allow()
		garble()
		s.unverified(s.concludes(2))
		s.mailedTo("contact00@customers.example", "contact01@customers.example", "contact02@customers.example", "contact03@customers.example",
			"contact04@customers.example", "contact05@customers.example", "contact06@customers.example", "contact07@customers.example",
			"contact08@customers.example", "contact09@customers.example")
	})
}

// garbles has an account's result be unreadable from the moment it is stored.
func (s *scene) garbles(account string) (allow func()) {
	s.t.Helper()
	if s.isEmbedded() {
		s.inDatabase(`CREATE TRIGGER garbling AFTER UPDATE OF run_result ON account_states WHEN NEW.account_id = '` + account + `' AND NEW.run_result LIKE '{"AccountID%'
			BEGIN UPDATE account_states SET run_result = substr(NEW.run_result, 1, 40) WHERE account_id = NEW.account_id; END`)
		return func() { s.inDatabase(`DROP TRIGGER garbling`) }
	}
	s.cluster.Exec(s.t, "postgres", `CREATE FUNCTION mailaudit.garbling() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN NEW.run_result := '{"AccountID": 7}'; RETURN NEW; END $$;
		CREATE TRIGGER garbling BEFORE UPDATE OF run_result ON mailaudit.account_states FOR EACH ROW
			WHEN (NEW.account_id = '`+account+`') EXECUTE FUNCTION mailaudit.garbling()`)
	return func() { s.cluster.Exec(s.t, "postgres", `DROP TRIGGER garbling ON mailaudit.account_states`) }
}
