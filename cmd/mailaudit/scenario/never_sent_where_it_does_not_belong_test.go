package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/providers/sim"
)

// A product's view with every mess at once, beside good accounts of the same clinics: the good ones are verified, what
// cannot be meant is named by its column, its secret is sent nowhere, and its customer hears nothing.
func TestIncidentWhatAViewHandsOutIsNotGuessed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.accept(0, 1, 2, 3, 4, 5)
	var rows []row
	for i := range 6 {
		rows = append(rows, clinicOf(i))
	}
	cluster := pgtest.Own(t)
	s.settings["database"] = cluster.URL("postgres", pgtest.Admin)
	s.install(rows...) // which seals their secrets
	cluster.Exec(t, "postgres", `CREATE SCHEMA app; CREATE TABLE app.boxes AS SELECT account_id, tenant_id, address, username, host, port::text, security, auth, secret,
			contact_email, last_sent_ok_at FROM mailaudit.mail_accounts; DELETE FROM mailaudit.mail_accounts;
		UPDATE app.boxes SET auth = 'App Password', security = 'SSL/TLS', host = 'smtp.gmail.com.', port = '465' WHERE account_id IN ('a0', 'a1')`)
	messes := map[string]string{ // by column, and what the first account becomes there
		"auth": "'xoauth2 or so'", "security": "'yes'", "host": "'smtp.gmail.com:587'", "username": "'NULL'", "address": "E'front0@gmail.com\\u200b'",
	}
	var flawed []string
	for column, value := range messes {
		id := "bad-" + column
		flawed = append(flawed, id)
		columns := []string{"tenant_id", "address", "username", "host", "port", "security", "auth", "secret", "contact_email", "last_sent_ok_at"}
		chosen := slices.Clone(columns)
		chosen[slices.Index(columns, column)] = value
		cluster.Exec(t, "postgres", fmt.Sprintf(`INSERT INTO app.boxes (account_id, %s) SELECT '%s', %s FROM app.boxes WHERE account_id = 'a0'`,
			strings.Join(columns, ", "), id, strings.Join(chosen, ", ")))
	}
	flawed = append(flawed, "a5")
	cluster.Exec(t, "postgres", `INSERT INTO app.boxes SELECT * FROM app.boxes WHERE account_id = 'a5'; INSERT INTO app.boxes (account_id, tenant_id, address, secret)
		SELECT NULL, tenant_id, address, secret FROM app.boxes WHERE account_id = 'a4'`)
	s.settings["accounts"] = inYAML(map[string]any{"relation": "app.boxes"})
	before := s.world.Attempts()
	s.done("run")

	r := s.report("")
	slices.Sort(flawed)
	if got := r.verdictsOf()["unverified"]; !slices.Equal(got, flawed) || r.Run.Accounts != 5+len(flawed) || r.Run.Verified != 5 {
		t.Errorf("unverified: %v, want %v; %+v", got, flawed, r.Run)
	}
	if now := s.world.Attempts(); now["front0@gmail.com"] != before["front0@gmail.com"]+1 || now["front5@gmail.com"] != before["front5@gmail.com"] {
		t.Errorf("sign-ins: %v, before %v", now, before)
	}
	s.nothingMailed()
	text := s.lastSummary()
	for _, want := range []string{"column auth holds a word", "column account_id stands more than once", "1 row has no account_id"} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary does not say %q: %s", want, text)
		}
	}
	said := s.do("doctor").stdout
	for column := range messes {
		if !strings.Contains(said, "1 account: column "+column+" ") || !strings.Contains(said, "bad-"+column) {
			t.Errorf("doctor does not name column %s: %s", column, said)
		}
	}
	if !strings.Contains(said, "as in a5") || !strings.Contains(said, "1 row has no account_id") {
		t.Errorf("doctor: %s", said)
	}
	s.do("check", "bad-auth")
	if now := s.world.Attempts(); now["front0@gmail.com"] != before["front0@gmail.com"]+1 {
		t.Error("check has sent a secret whose auth is not known")
	}
}
