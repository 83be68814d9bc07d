package app

import (
	"testing"

	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// A product changes its view while the program stays up: the accounts are read on by the view as it is now.
func TestAViewThatChangesIsReadAsItIs(t *testing.T) {
	cluster := pgtest.Own(t)
	cluster.Exec(t, "postgres", `CREATE TABLE boxes (id text, name text, box text, pass text, mail text);
		INSERT INTO boxes VALUES ('a', 'Clinic', 'a@gmail.com', 'secret', 'ann@clinic.example')`)
	view := func(more string) {
		t.Helper()
		cluster.Exec(t, "postgres", `DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id AS account_id, id AS tenant_id, box AS address, pass AS secret`+more+` FROM boxes`)
	}
	view(`, name AS tenant_name, mail AS contact_email`)
	source, err := postgres.OpenSource(t.Context(), cluster.URL("postgres", pgtest.Admin), "v", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lazyAccounts{source: source}
	t.Cleanup(func() { l.Close() })
	check := func(what, name, contact string) {
		t.Helper()
		for _, read := range []string{"by id", "a page"} {
			got, err := l.AccountsByID(t.Context(), []string{"a"})
			if read == "a page" {
				got, err = l.AccountsAfter(t.Context(), "", 10, "")
			}
			if err != nil || len(got) != 1 || got[0].TenantName != name || got[0].ContactEmail != contact {
				t.Errorf("%s, %s: %+v, %v", what, read, got, err)
			}
		}
		if got, err := l.SealedSecrets(t.Context(), []string{"a"}); err != nil || string(got["a"]) != "secret" {
			t.Errorf("%s: %d secrets, %v", what, len(got), err)
		}
	}
	check("at first", "Clinic", "ann@clinic.example")
	view("")
	check("columns are dropped", "", "")
	view(`, mail AS contact_email`)
	if err := SourceAnew(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	check("a column is added, and a new run meets it", "", "ann@clinic.example")
	cluster.Exec(t, "postgres", `DROP VIEW v; ALTER TABLE boxes ALTER id TYPE varchar(20), ALTER pass TYPE bytea USING pass::bytea`)
	view(`, mail AS contact_email`)
	if err := SourceAnew(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	check("types change, and a new run meets them", "", "ann@clinic.example")
	cluster.Exec(t, "postgres", `DROP VIEW v`)
	if _, err := l.AccountsByID(t.Context(), []string{"a"}); err == nil {
		t.Error("a view that is gone is read")
	}
	view(`, mail AS contact_email`)
	check("it is back", "", "ann@clinic.example")
}
