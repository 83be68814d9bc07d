package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
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
	if o := s.alone("run", "--key", key); o.code != exit.Done {
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

// toldOps checks that the last summary names each part.
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

// viewed has the accounts of a scene in PostgreSQL be read from a view, of which fault makes one column.
func (s *scene) viewed(fault string) {
	s.t.Helper()
	columns := map[string]string{"account_id": "account_id", "tenant_name": "tenant_name", "contact_email": "contact_email", "secret": "secret"}
	if name, expression, ok := strings.Cut(fault, "="); ok {
		columns[name] = "CASE WHEN " + expression + " ELSE " + name + " END AS " + name
	}
	s.cluster.Exec(s.t, "postgres", fmt.Sprintf(`CREATE SCHEMA IF NOT EXISTS app; DROP VIEW IF EXISTS app.boxes;
		CREATE VIEW app.boxes AS SELECT %s, tenant_id, address, %s, %s, %s FROM mailaudit.mail_accounts`,
		columns["account_id"], columns["tenant_name"], columns["contact_email"], columns["secret"]))
	s.settings["accounts"] = "{relation: app.boxes}"
}

// byZero is an expression of a view that fails for one account's row.
func byZero(column, account string) string {
	return fmt.Sprintf(`%s=account_id = '%s' THEN (1 / (length(account_id) - 4))::text`, column, account)
}

// A row of the source that cannot be read costs that row, wherever it stands.
func TestIncidentRowsOfTheSourceThatCannotBeReadAreSetAside(t *testing.T) {
	t.Parallel()
	s := clinicsIn(t, inPostgres)
	s.revoke(0, 6)
	s.viewed(byZero("tenant_name", "a-01"))
	s.unverified(s.concludes(1), "a-01")
	s.toldOps("the row of account a-01 cannot be read: SQLSTATE 22012")
	s.viewed("secret=account_id = 'a-02' THEN decode('no hex ' || account_id, 'hex')")
	s.unverified(s.concludes(2), "a-02")
	s.toldOps("the stored secret of account a-02 cannot be read: SQLSTATE 22023")
	s.viewed("")
	s.unverified(s.concludes(3))
	s.mailedTo("contact00@customers.example", "contact01@customers.example", "contact02@customers.example", "contact03@customers.example",
		"contact04@customers.example", "contact05@customers.example")
}

// A view that casts a secret has the database quote it in its error. The database's code is all that is told.
func TestIncidentSecretThatTheDatabaseQuotesIsToldToNobody(t *testing.T) {
	t.Parallel()
	s := clinicsIn(t, inPostgres)
	s.viewed("secret=account_id = 'a-02' THEN (('quoted-' || account_id)::int)::text::bytea")
	s.atNight(1)
	o := s.alone("--log-level", "debug", "run", "--key", "night-1")
	if o.code != exit.Done || !strings.Contains(o.stderr, "SQLSTATE 22P02") {
		t.Errorf("exit %d, or the log lacks the database's code:\n%s", o.code, lastLines(o.stderr, 12))
	}
	s.toldOps("the stored secret of account a-02 cannot be read: SQLSTATE 22P02")
	check := s.do("check", "a-02")
	for _, said := range []string{o.stdout, o.stderr, check.stdout, check.stderr, s.lastSummary(), s.done("report", "--format", "json", "night-1")} {
		if strings.Contains(said, "quoted-") {
			t.Error("a secret that the database quotes is told")
		}
	}
}

// A source that cannot be read at all is waited for until the window ends. Then the run says so: nobody has left, no
// finding is closed, nobody is mailed.
func TestIncidentSourceThatCannotBeReadIsEndedByTheWindow(t *testing.T) {
	t.Parallel()
	s := clinicsIn(t, inPostgres)
	s.revoke(0, 3)
	s.concludes(1)
	mailed := len(s.recipients())
	s.settings["window"] = "8s"
	s.viewed(byZero("account_id", "a-19"))
	r := s.concludes(2)
	if r.Verdicts["unverified"] != 20 || r.Changes.Recovered != 0 {
		t.Errorf("verdicts %v, changes %+v", r.Verdicts, r.Changes)
	}
	s.toldOps("the source table or view cannot be read to its end")
	s.settings["window"] = "4h"
	s.viewed("")
	r = s.concludes(3)
	if got := r.verdictsOf()["revoked"]; !slices.Equal(got, []string{"a-00", "a-01", "a-02"}) || r.Changes.StillFailing != 3 {
		t.Errorf("revoked %v, changes %+v", got, r.Changes)
	}
	if got := len(s.recipients()); mailed != 3 || got != 3 {
		t.Errorf("%d mails, then %d", mailed, got)
	}
}

// A batch that cannot be closed, and one that cannot be read, keep nobody waiting.
func TestIncidentBatchesThatCannotBeClosedAreSetAside(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := clinicsIn(t, database)
		s.revoke(0, 3)
		allow := s.refuses(refusing{"batches", "UPDATE", `NEW.run_key = 'night-1'`})
		s.unverified(s.concludes(1))
		s.toldOps("batch 1 cannot be read or closed")
		s.mailedTo("contact00@customers.example", "contact01@customers.example", "contact02@customers.example")
		allow()
		s.unverified(s.concludes(2))
	})
}

// A hold that cannot be opened lets nothing through: its mails are suppressed, and the next run holds them.
func TestIncidentHoldThatCannotBeOpenedMailsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := clinicsIn(t, database)
		allow := s.refuses(refusing{"holds", "INSERT", `NEW.provider = 'google'`})
		s.revoke(0, 15)
		s.concludes(1)
		s.toldOps("the hold on google e-mails cannot be changed")
		s.nothingMailed()
		allow()
		s.concludes(2)
		s.holds(15)
		s.nothingMailed()
		allow = s.refuses(refusing{"notices", "UPDATE", `OLD.state = 'held' AND NEW.contact_email = 'contact00@customers.example'`})
		s.restore(0, 15)
		s.concludes(3)
		s.toldOps("e-mail M-")
		s.holds(1)
		allow()
		s.concludes(4)
		s.holds(0)
		s.nothingMailed()
	})
}
