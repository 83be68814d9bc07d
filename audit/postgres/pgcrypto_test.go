package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"mailaudit/audit/postgres/pgtest"
)

// The view that opens what pgcrypto has sealed hands out secrets, and not the key.
func TestViewOpensPgcrypto(t *testing.T) {
	cluster, s := pgtest.Shared(t), asRole(t)
	database := s.Pool().Config().ConnConfig.Database
	cluster.Exec(t, database, `CREATE EXTENSION pgcrypto; CREATE SCHEMA app;
		CREATE TABLE app.credentials (id bigint PRIMARY KEY, clinic text NOT NULL, mailbox text NOT NULL, sealed bytea);
		INSERT INTO app.credentials VALUES (7, 'c', 'a@example.com', pgp_sym_encrypt('öpen', 'the key', 'cipher-algo=aes256')), (8, 'c', 'b@example.com', NULL)`)
	for range 2 { // it may be run again
		cluster.Psql(t, database, deploy+"pgcrypto.sql", "schema=app")
	}
	cluster.Exec(t, database, `INSERT INTO app.mailaudit_key VALUES ('the key');
		CREATE VIEW app.mail_credentials AS SELECT id AS account_id, clinic AS tenant_id, mailbox AS address, app.mailaudit_open(sealed) AS secret FROM app.credentials`)
	cluster.Psql(t, database, deploy+"accounts.sql", "schema=app", "relation=mail_credentials")
	source, err := s.SourceOf(t.Context(), "app.mail_credentials")
	must(t, err)
	secrets, err := source.SealedSecrets(t.Context(), []string{"7", "8"})
	must(t, err)
	if string(secrets["7"]) != "öpen" || len(secrets["8"]) != 0 {
		t.Errorf("%q", secrets)
	}
	// The page of accounts is read without opening anything.
	cluster.Exec(t, database, `UPDATE app.credentials SET sealed = 'nonsense' WHERE id = 8`)
	if page, err := source.AccountsAfter(t.Context(), "", 10, ""); err != nil || len(page) != 2 {
		t.Errorf("%v, %v", page, err)
	}
	var pg *pgconn.PgError
	if _, err := s.Pool().Exec(t.Context(), `SELECT key FROM app.mailaudit_key`); !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("the role reads the key: %v", err)
	}
	var others bool
	must(t, s.Pool().QueryRow(t.Context(), `SELECT has_function_privilege('pg_read_all_data', 'app.mailaudit_open(bytea)', 'EXECUTE')`).Scan(&others))
	if others {
		t.Error("any role may open secrets")
	}
}
