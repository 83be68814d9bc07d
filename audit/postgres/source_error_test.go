package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// A view may cast, decrypt or compute what it hands out, and PostgreSQL's words about it quote the value.
func TestErrorsOfTheSourceQuoteNoValue(t *testing.T) {
	const secret = "canary-password"
	cluster, database := pgtest.Shared(t), pgtest.Database(t)
	cluster.Exec(t, database, `CREATE TABLE b (id text, tenant text, address text, sealed text); INSERT INTO b VALUES ('x', 't', 'a@example.com', '`+secret+`');
		CREATE FUNCTION opened(s text, code text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'cannot open %', s USING ERRCODE = code; END $$;
		CREATE FUNCTION run(s text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE 'SELECT ' || s INTO r; RETURN r; END $$`)
	views := 0
	for name, secretColumn := range map[string]string{
		"a cast to a number":                   `(sealed::integer)::text`,
		"a cast to JSON":                       `sealed::jsonb`,
		"a cast to a UUID":                     `(sealed::uuid)::text`,
		"a cast to a moment":                   `(sealed::timestamptz)::text`,
		"a cast to bytes":                      `decode(sealed, 'hex')`,
		"an XML that is none":                  `(('<' || sealed)::xml)::text`,
		"a function that raises":               `opened(sealed, 'P0001')`,
		"raised as a missing right":            `opened(sealed, '42501')`,
		"raised as a timeout":                  `opened(sealed, '57014')`,
		"a statement that is put together":     `run('canary-password)')`,
		"a name that the secret is taken for":  `run(sealed)`,
		"an array that is none":                `(sealed::text[])[1]`,
		"a regular expression that it is not":  `regexp_replace('x', '(' || sealed, '')`,
		"a length that a domain does not have": `(sealed::bit(3))::text`,
	} {
		t.Run(name, func(t *testing.T) {
			views++
			view := fmt.Sprint("a", views)
			cluster.Exec(t, database, `CREATE VIEW `+view+` AS SELECT id AS account_id, tenant AS tenant_id, address, `+secretColumn+` AS secret FROM b`)
			s, err := postgres.OpenSource(t.Context(), cluster.URL(database, pgtest.Admin), view, postgres.Options{})
			must(t, err)
			defer s.Close()
			_, err = s.SealedSecrets(t.Context(), []string{"x"})
			if err == nil {
				t.Fatal("it is read")
			}
			if text := err.Error(); strings.Contains(text, "canary") || !strings.Contains(text, "SQLSTATE ") {
				t.Errorf("the error says %q", text)
			}
			if strings.Contains(secretColumn, "opened(") {
				if b, _ := postgres.Blame(err); b != audit.BlameRow {
					t.Errorf("blame %v, want the row", b)
				}
			}
		})
	}
}
