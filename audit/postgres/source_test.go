package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
)

// sourceOf opens a relation that the SQL has made in a database of the test's own.
func sourceOf(t *testing.T, sql, relation string) (*postgres.Source, error) {
	t.Helper()
	cluster, database := pgtest.Shared(t), pgtest.Database(t)
	cluster.Exec(t, database, sql)
	s, err := postgres.OpenSource(t.Context(), cluster.URL(database, pgtest.Admin), relation, postgres.Options{})
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

const (
	id1 = "0f0c3f8e-3a52-4d0e-9d3a-0d7f5b0f0c11"
	id2 = "f10c3f8e-3a52-4d0e-9d3a-0d7f5b0f0c11"
)

func TestSourceOfAnyShape(t *testing.T) {
	plain := audit.Account{TenantID: "t", Address: "a@example.com", Auth: audit.AuthPassword}
	with := func(id string, change func(*audit.Account)) audit.Account {
		a := plain
		a.ID = id
		if change != nil {
			change(&a)
		}
		return a
	}
	moment := time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		sql      string
		relation string
		want     []audit.Account
		secrets  map[string]string
	}{
		"the four needed columns": {
			sql:      `CREATE TABLE a (account_id text, tenant_id text, address text, secret bytea); INSERT INTO a VALUES ('x', 't', 'a@example.com', '\x00ff')`,
			relation: "a", want: []audit.Account{with("x", nil)}, secrets: map[string]string{"x": "\x00\xff"},
		},
		"numbers go by value": {
			sql: `CREATE TABLE a (account_id bigint, tenant_id integer, address varchar(80), secret text);
				INSERT INTO a VALUES (10, 7, 'a@example.com', 'ten'), (9, 7, 'a@example.com', 'nine'), (-1, 7, 'a@example.com', NULL)`,
			relation: "public.a",
			want: []audit.Account{
				with("-1", func(a *audit.Account) { a.TenantID = "7" }), with("9", func(a *audit.Account) { a.TenantID = "7" }),
				with("10", func(a *audit.Account) { a.TenantID = "7" }),
			},
			secrets: map[string]string{"9": "nine", "10": "ten"},
		},
		"uuids and JSON": {
			sql: `CREATE TABLE a (account_id uuid, tenant_id text, address text, secret jsonb);
				INSERT INTO a VALUES ('` + id2 + `', 't', 'a@example.com', '{"v": 1}'), ('` + id1 + `', 't', 'a@example.com', '"it''s \u00e9"')`,
			relation: "a", want: []audit.Account{with(id1, nil), with(id2, nil)},
			secrets: map[string]string{id1: "it's \u00e9", id2: `{"v": 1}`},
		},
		"text goes by the column's collation": {
			sql: `CREATE TABLE a (account_id text COLLATE "und-x-icu", tenant_id text, address text, secret text);
				INSERT INTO a VALUES ('B', 't', 'a@example.com', ''), ('a', 't', 'a@example.com', ''), ('c', 't', 'a@example.com', '')`,
			relation: "a", want: []audit.Account{with("a", nil), with("B", nil), with("c", nil)},
			secrets: map[string]string{"a": "", "B": "", "c": ""},
		},
		"every column, in types of the product's own": {
			sql: `CREATE SCHEMA "My App"; CREATE TYPE kind AS ENUM ('PASSWORD', 'OAuth2'); CREATE DOMAIN mailbox AS text CHECK (VALUE LIKE '%@%');
				CREATE VIEW "My App"."Mail ""Boxes""" AS SELECT 'x'::char(3) AS account_id, 't'::name AS tenant_id, 'T'::text AS tenant_name,
				'a@example.com'::mailbox AS address, 'u'::varchar(9) AS username, 'h.example.com'::text AS host, ' 587 '::text AS port,
				'STARTTLS'::text AS security, 'OAuth2'::kind AS auth, 's'::text AS secret, 'C'::text AS contact_name, 'c@example.com'::text AS contact_email,
				'es'::text AS locale, 'UTC'::text AS time_zone, '2026-11-23 02:15'::timestamp AS updated_at, 'infinity'::timestamptz AS last_sent_ok_at`,
			relation: `"My App"."Mail ""Boxes"""`,
			want: []audit.Account{{
				ID: "x", TenantID: "t", TenantName: "T", Address: "a@example.com", Username: "u", Host: "h.example.com", Port: 587,
				Security: "starttls", Auth: audit.AuthOAuth2, ContactName: "C", ContactEmail: "c@example.com", Locale: "es", TimeZone: "UTC", UpdatedAt: moment,
			}},
			secrets: map[string]string{"x": "s"},
		},
		"who verified his contact": {
			sql: `CREATE TABLE a (account_id text, tenant_id text, address text, secret text, contact_verified_at timestamptz);
				INSERT INTO a VALUES ('x', 't', 'a@example.com', NULL, '2026-11-23'), ('y', 't', 'a@example.com', NULL, NULL), ('z', 't', 'a@example.com', NULL, 'infinity')`,
			relation: "a",
			want: []audit.Account{with("x", nil), with("y", func(a *audit.Account) { a.ContactUnverified = true }),
				with("z", func(a *audit.Account) { a.ContactUnverified = true })},
			secrets: map[string]string{},
		},
		"nothing is NULL": {
			sql: `CREATE TABLE a (account_id text, tenant_id text, tenant_name text, address text, port bigint, auth text, secret text, updated_at date);
				INSERT INTO a VALUES ('x', 't', NULL, 'a@example.com', NULL, NULL, NULL, NULL), ('y', 't', NULL, 'a@example.com', 99999999999, '', NULL, '2026-11-23'),
				(NULL, 't', NULL, 'a@example.com', 1, '', '', NULL)`,
			relation: "a",
			want: []audit.Account{with("x", nil), with("y", func(a *audit.Account) {
				a.Port, a.UpdatedAt = 65536, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
			})},
			secrets: map[string]string{},
		},
		"a port that is no number": {
			sql: `CREATE TABLE a (account_id text, tenant_id text, address text, port text, secret text);
				INSERT INTO a VALUES ('x', 't', 'a@example.com', 'smtp', NULL), ('y', 't', 'a@example.com', ' ', NULL)`,
			relation: "a",
			want:     []audit.Account{with("x", func(a *audit.Account) { a.Port = -1 }), with("y", nil)},
			secrets:  map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sourceOf(t, c.sql, c.relation)
			must(t, err)
			var got []audit.Account
			for after := ""; ; after = got[len(got)-1].ID { // one at a time: each id must serve as a cursor
				page, err := s.AccountsAfter(t.Context(), after, 1, "")
				must(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			ids := []string{"nobody", "1e1", "0009", "9999999999999999999", strings.ToUpper(id1), "x\x00"}
			for _, a := range c.want {
				ids = append(ids, a.ID)
			}
			found, err := s.AccountsByID(t.Context(), ids)
			must(t, err)
			if len(found) != len(c.want) {
				t.Errorf("%d accounts by id, want %d", len(found), len(c.want))
			}
			secrets, err := s.SealedSecrets(t.Context(), ids)
			must(t, err)
			texts := map[string]string{}
			for id, sealed := range secrets {
				texts[id] = string(sealed)
			}
			if diff := cmp.Diff(c.secrets, texts); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			for tenant, want := range map[string]bool{c.want[0].TenantID: true, "nobody": false, "07": false} {
				page, err := s.AccountsAfter(t.Context(), "", 10, tenant)
				must(t, err)
				if (len(page) > 0) != want {
					t.Errorf("tenant %q: %d accounts", tenant, len(page))
				}
			}
		})
	}
}

func TestSourceNamesWhatIsWrong(t *testing.T) {
	const tables = `CREATE TABLE a (account_id text, address text, secret text, port float8, locale integer[], updated_at text);
		CREATE SEQUENCE counter; CREATE TABLE ok (account_id text, tenant_id text, address text, secret text)`
	for relation, want := range map[string][]string{
		"a": {
			"column tenant_id is missing; needed are account_id, tenant_id, address and secret",
			"column port is double precision and must be integer or text: read a view with port::integer AS port",
			"column locale is integer[] and must be text", "column updated_at is text and must be timestamptz",
		},
		"nowhere":           {"there is no such table or view"},
		"nowhere.a":         {"there is no such table or view"},
		"counter":           {"is neither a table nor a view"},
		"db.public.ok":      {"names a database; set accounts.database"},
		"ok; DROP TABLE ok": {"is not the name of a table or view"},
		`ok" WHERE '1'='1`:  {"is not the name of a table or view"},
		`"ok" x`:            {"is not the name of a table or view"},
		`"`:                 {"is not the name"}, `""`: {"is not the name"}, ".": {"is not the name"}, "public.": {"is not the name"},
		"1ok": {"is not the name"}, " ok": {"is not the name"}, "ok\x00": {"is not the name"}, `"O""K"`: {"there is no such"},
	} {
		_, err := sourceOf(t, tables, relation)
		if err == nil {
			t.Errorf("%q was opened", relation)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "accounts.relation") {
				t.Errorf("%q: %v, want %q", relation, err, part)
			}
		}
	}
	for _, relation := range []string{"OK", "public.ok", `"ok"`, `PUBLIC."ok"`} {
		_, err := sourceOf(t, tables, relation)
		must(t, err)
	}
}

// A view that opens the secrets is asked for them only when an account is verified.
func TestPlanningDoesNotTouchSecrets(t *testing.T) {
	s, err := sourceOf(t, `CREATE FUNCTION unseal() RETURNS bytea LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION 'opened'; END $$;
		CREATE VIEW v AS SELECT 'x'::text AS account_id, 't'::text AS tenant_id, 'a@example.com'::text AS address, unseal() AS secret`, "v")
	must(t, err)
	_, err = s.AccountsAfter(t.Context(), "", 10, "t")
	must(t, err)
	_, err = s.AccountsByID(t.Context(), []string{"x"})
	must(t, err)
	if _, err := s.SealedSecrets(t.Context(), []string{"x"}); err == nil || !strings.Contains(err.Error(), "SQLSTATE P0001") || strings.Contains(err.Error(), "opened") {
		t.Errorf("secrets: %v, want the code of the view's error and none of its words", err)
	}
}

// Even a view that writes cannot, whatever the role may do.
func TestSourceReadsAlone(t *testing.T) {
	s, err := sourceOf(t, `CREATE TABLE seen (n integer); CREATE FUNCTION see() RETURNS text LANGUAGE sql VOLATILE AS $$ INSERT INTO seen VALUES (1); SELECT 't'::text $$;
		CREATE VIEW v AS SELECT 'x'::text AS account_id, see() AS tenant_id, 'a@example.com'::text AS address, ''::text AS secret`, "v")
	must(t, err)
	if _, err := s.AccountsAfter(t.Context(), "", 10, ""); err == nil || !strings.Contains(err.Error(), "read-only transaction") {
		t.Errorf("a view that writes: %v", err)
	}
}

// The pages of a large table come from its index, whatever the type of its ids.
func TestPagesAreServedByTheIndex(t *testing.T) {
	for _, idType := range []string{"bigint", "uuid", "text"} {
		t.Run(idType, func(t *testing.T) {
			value := map[string]string{"bigint": "n", "uuid": "md5(n::text)::uuid", "text": "'acc-' || n"}[idType]
			cluster, database := pgtest.Shared(t), pgtest.Database(t)
			cluster.Exec(t, database, fmt.Sprintf(`CREATE TABLE t (id %s PRIMARY KEY, secret text);
				INSERT INTO t SELECT %s, repeat('s', 500) FROM generate_series(1, 20000) n;
				CREATE VIEW v AS SELECT id AS account_id, 't'::text AS tenant_id, 'a@example.com'::text AS address, secret FROM t;
				ANALYZE t`, idType, value))
			s := open(t, cluster.URL(database, pgtest.Admin), postgres.Options{MaxConns: 1})
			source, err := s.SourceOf(t.Context(), "v")
			must(t, err)
			seen, after := 0, ""
			for {
				page, err := source.AccountsAfter(t.Context(), after, 2000, "")
				must(t, err)
				if len(page) == 0 {
					break
				}
				seen += len(page)
				after = page[len(page)-1].ID
			}
			if seen != 20000 {
				t.Errorf("%d accounts, want 20000", seen)
			}
			exec(t, s, `SELECT pg_stat_force_next_flush()`)
			var scans, read int
			must(t, s.Pool().QueryRow(t.Context(), `SELECT seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = 't'`).Scan(&scans, &read))
			if read > 20000 { // the index was built by the one scan that there may be
				t.Errorf("%d sequential scans read %d rows", scans, read)
			}
		})
	}
}

// Row level security that leaves no row is named, behind a view too, whose owner it binds.
func TestSecurityThatHidesEveryRowIsNamed(t *testing.T) {
	cluster, database := pgtest.Shared(t), pgtest.Database(t)
	role := "reader_" + database
	cluster.Exec(t, database, `CREATE ROLE `+role+` LOGIN; CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO `+role+`;
		CREATE TABLE app.boxes (account_id text, tenant_id text, address text, secret text); INSERT INTO app.boxes VALUES ('x', 't', 'a@example.com', 's');
		ALTER TABLE app.boxes ENABLE ROW LEVEL SECURITY; GRANT SELECT ON app.boxes TO `+role+`;
		CREATE TABLE app.open AS SELECT * FROM app.boxes WHERE false; GRANT SELECT ON app.open TO `+role+`;
		CREATE VIEW app.inner AS SELECT * FROM app.boxes; ALTER VIEW app.inner OWNER TO `+role+`;
		CREATE VIEW app.outer AS SELECT b.* FROM app.inner b LEFT JOIN app.open o USING (account_id); ALTER VIEW app.outer OWNER TO `+role)
	for relation, want := range map[string]string{"app.boxes": "app.boxes", "app.outer": "app.boxes", "app.open": ""} {
		s, err := postgres.OpenSource(t.Context(), cluster.URL(database, role), relation, postgres.Options{})
		must(t, err)
		page, err := s.AccountsAfter(t.Context(), "", 10, "")
		if err != nil || len(page) != 0 {
			t.Fatalf("%s: %d rows, %v", relation, len(page), err)
		}
		if got, err := s.HiddenBy(t.Context()); err != nil || got != want {
			t.Errorf("%s: hidden by %q, want %q (%v)", relation, got, want, err)
		}
		s.Close()
	}
}

// A view that casts its ids costs a pass over the table for each batch, and a sort of it for each page.
func TestCostsOfTheSourceAreNamed(t *testing.T) {
	cluster, database := pgtest.Shared(t), pgtest.Database(t)
	cluster.Exec(t, database, `CREATE TABLE boxes (id uuid PRIMARY KEY, address text); CREATE TABLE few (id uuid, address text);
		INSERT INTO boxes SELECT gen_random_uuid(), NULL FROM generate_series(1, 150000); INSERT INTO few SELECT * FROM boxes LIMIT 100;
		CREATE VIEW own AS SELECT id AS account_id, 't'::text AS tenant_id, address, 's'::text AS secret FROM boxes;
		CREATE VIEW cast_ids AS SELECT id::text AS account_id, 't'::text AS tenant_id, address, 's'::text AS secret FROM boxes;
		CREATE VIEW small AS SELECT id::text AS account_id, 't'::text AS tenant_id, address, 's'::text AS secret FROM few; ANALYZE`)
	named := func(view string, want ...string) {
		t.Helper()
		s, err := postgres.OpenSource(t.Context(), cluster.URL(database, pgtest.Admin), view, postgres.Options{})
		must(t, err)
		defer s.Close()
		got, err := s.Costs(t.Context())
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %q, %v", view, got, err)
		}
		for i := range min(len(got), len(want)) {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s: %q, want %q", view, got[i], want[i])
			}
		}
	}
	named("own")
	named("small")
	named("cast_ids", "a page of accounts sorts about", "a page of accounts reads all of about 150000 rows of public.boxes", "a batch of ids reads all of about 150000 rows of public.boxes")
	// The fix that doctor prints.
	cluster.Exec(t, database, `CREATE UNIQUE INDEX ON boxes ((id::text)); ANALYZE boxes`)
	named("cast_ids")
}
