package postgres_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit"
	"mailaudit/audit/postgres"
	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/storetest"
)

const (
	role   = "mailaudit"
	deploy = "../../deploy/postgres/"
)

// prepared is an empty database with the role and its schema, as an operator makes it.
func prepared(t testing.TB) string {
	t.Helper()
	database := pgtest.Database(t)
	pgtest.Shared(t).Psql(t, database, deploy+"role.sql")
	return database
}

// underRole is a database whose schema the role has made and migrated, made once.
var underRole = pgtest.Template{Name: "under_role", Prepare: func(ctx context.Context, url string) error {
	script, err := os.ReadFile(deploy + "role.sql")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, string(script)); err != nil {
		return err
	}
	s, err := postgres.Open(ctx, strings.Replace(url, pgtest.Admin+"@", role+"@", 1), postgres.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}}

func asRole(t testing.TB) *postgres.Store {
	t.Helper()
	return open(t, pgtest.Shared(t).URL(underRole.Database(t), role), postgres.Options{})
}

func TestStoreUnderTheRole(t *testing.T) {
	storetest.Run(t, func(t *testing.T) audit.Store { return asRole(t) })
}

func TestStoreUnderTheRoleThroughPooler(t *testing.T) {
	pooler := pgtest.Shared(t).Pool(t, role)
	storetest.Run(t, func(t *testing.T) audit.Store {
		url := pooler.URL(underRole.Database(t), role)
		spread(t, url)
		return open(t, url, postgres.Options{Pooler: true})
	})
}

// spread has the pooler open several sessions, among which it hands statements round.
func spread(t *testing.T, url string) {
	t.Helper()
	var all []*pgx.Conn
	for range 4 {
		conn, err := pgx.Connect(t.Context(), url)
		must(t, err)
		_, err = conn.Exec(t.Context(), `BEGIN`)
		must(t, err)
		all = append(all, conn)
	}
	for _, conn := range all {
		_, err := conn.Exec(t.Context(), `COMMIT`)
		must(t, errors.Join(err, conn.Close(t.Context())))
	}
}

func TestRoleScriptMayBeRunAgain(t *testing.T) {
	pgtest.Shared(t).Psql(t, prepared(t), deploy+"role.sql")
}

func TestSchemaIsMadeByAnOperator(t *testing.T) {
	prepared(t) // the role is there
	s := open(t, pgtest.Shared(t).URL(pgtest.Database(t), role), postgres.Options{})
	if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "deploy/postgres/role.sql") {
		t.Errorf("migrate without a schema: %v", err)
	}
}

const product = `CREATE SCHEMA app;
	CREATE TABLE app.credentials (id bigint PRIMARY KEY, clinic uuid NOT NULL, mailbox text NOT NULL, sealed bytea, diagnosis text);
	INSERT INTO app.credentials VALUES (7, '6f0c3f8e-3a52-4d0e-9d3a-0d7f5b0f0c11', 'a@example.com', '\x01', 'private');
	CREATE VIEW app.mail_credentials AS SELECT id AS account_id, clinic AS tenant_id, mailbox AS address, sealed AS secret FROM app.credentials`

func TestRoleReadsTheViewAlone(t *testing.T) {
	cluster, s := pgtest.Shared(t), asRole(t)
	database := s.Pool().Config().ConnConfig.Database
	cluster.Exec(t, database, product)
	if _, err := s.SourceOf(t.Context(), "app.mail_credentials"); err == nil || !strings.Contains(err.Error(), "GRANT") {
		t.Errorf("a view that may not be read: %v", err)
	}
	cluster.Psql(t, database, deploy+"accounts.sql", "schema=app", "relation=mail_credentials")
	source, err := s.SourceOf(t.Context(), "app.mail_credentials")
	must(t, err)
	page, err := source.AccountsAfter(t.Context(), "", 10, "")
	must(t, err)
	if len(page) != 1 || page[0].ID != "7" {
		t.Errorf("page: %v", page)
	}
	for _, forbidden := range []string{
		`SELECT diagnosis FROM app.credentials`, `UPDATE app.mail_credentials SET address = ''`,
		`CREATE TABLE app.mine (n integer)`, `CREATE TABLE public.mine (n integer)`, `CREATE ROLE other`, `CREATE DATABASE other`,
		`COPY app.mail_credentials TO PROGRAM 'true'`,
	} {
		var pg *pgconn.PgError
		if _, err := s.Pool().Exec(t.Context(), forbidden); !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v, want permission denied", forbidden, err)
		}
	}
}

func TestAccountsDatabaseIsReadOnly(t *testing.T) {
	cluster := pgtest.Shared(t)
	database := prepared(t)
	cluster.Exec(t, database, product)
	cluster.Psql(t, database, deploy+"accounts.sql", "schema=app", "relation=mail_credentials", "readonly=1")
	s := open(t, cluster.URL(database, role), postgres.Options{})
	var pg *pgconn.PgError
	if _, err := s.Pool().Exec(t.Context(), `CREATE TABLE mailaudit.mine (n integer)`); !errors.As(err, &pg) || pg.Code != "25006" {
		t.Errorf("writing: %v, want read-only transaction", err)
	}
}

func TestProductReadsTheStatusAlone(t *testing.T) {
	cluster, s := pgtest.Shared(t), asRole(t)
	database := s.Pool().Config().ConnConfig.Database
	cluster.Exec(t, database, `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'product') THEN CREATE ROLE product LOGIN; END IF; END $$`)
	cluster.Psql(t, database, deploy+"status.sql", "reader=product")
	p := open(t, cluster.URL(database, "product"), postgres.Options{})
	exec(t, p, `SELECT account_id, tenant_id, verdict, two_factor, since, notice_number, told_at FROM mailaudit.account_status`)
	var pg *pgconn.PgError
	if _, err := p.Pool().Exec(t.Context(), `SELECT FROM mailaudit.mail_accounts`); !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("reading the accounts: %v, want permission denied", err)
	}
}

// Another role has migrated before: role.sql gives what it made to the program's role, which then migrates.
func TestRoleTakesOverWhatAnotherHasMigrated(t *testing.T) {
	cluster, database := pgtest.Shared(t), migrated.Database(t)
	cluster.Exec(t, database, `CREATE TYPE mailaudit.job_state AS ENUM ('running'); CREATE TABLE mailaudit.jobs (id bigserial, state mailaudit.job_state);
		CREATE FUNCTION mailaudit.job_fun(s mailaudit.job_state) RETURNS text LANGUAGE sql AS $$ SELECT s::text $$`)
	cluster.Psql(t, database, deploy+"role.sql")
	s := open(t, cluster.URL(database, role), postgres.Options{})
	must(t, s.Migrate(t.Context()))
	must(t, s.CheckSchema(t.Context()))
	exec(t, s, `ALTER TABLE mailaudit.jobs ADD COLUMN note text; ALTER TYPE mailaudit.job_state ADD VALUE 'done'; DROP FUNCTION mailaudit.job_fun;
		ALTER TABLE mailaudit.goose_db_version ADD COLUMN note text; DELETE FROM mailaudit.goose_db_version WHERE version_id < 0`)
	var others string
	must(t, s.Pool().QueryRow(t.Context(), `SELECT coalesce(string_agg(oid::regclass::text, ', '), '') FROM pg_class
		WHERE relnamespace = 'mailaudit'::regnamespace AND relowner <> 'mailaudit'::regrole`).Scan(&others))
	if others != "" {
		t.Errorf("still another role's: %s", others)
	}
	cluster.Psql(t, database, deploy+"role.sql") // it may be run again
}
