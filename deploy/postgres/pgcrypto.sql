-- Lets mailaudit read, in the open, what the product has sealed with pgp_sym_encrypt of pgcrypto, for keyset: none.
-- Whoever can read the view reads every customer's password, and the key lies in the database, where a backup of
-- it lies too. deploy/openers/pgcrypto keeps the key apart and needs none of this. PostgreSQL 14 or newer; run it
-- as the owner of the product's schema:
--
--   psql --set ON_ERROR_STOP=1 --dbname DATABASE --set schema=app --file pgcrypto.sql
--   psql --dbname DATABASE --command '\copy app.mailaudit_key FROM key.txt'        (no log of statements has it)
--
-- and have the view of accounts.sql say: app.mailaudit_open(c.sealed_password) AS secret. One secret that does not
-- open fails the whole page of secrets that is read with it.

SELECT extnamespace::regnamespace AS pgcrypto FROM pg_extension WHERE extname = 'pgcrypto' \gset

CREATE TABLE IF NOT EXISTS :"schema".mailaudit_key (key text NOT NULL);
REVOKE ALL ON :"schema".mailaudit_key FROM PUBLIC;

-- It runs with its owner's rights, who alone may read the key; a body of this form is bound when it is made, so
-- that no search path leads it elsewhere.
CREATE OR REPLACE FUNCTION :"schema".mailaudit_open(sealed bytea) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER
RETURN (SELECT :pgcrypto.pgp_sym_decrypt(sealed, k.key) FROM :"schema".mailaudit_key k);

REVOKE ALL ON FUNCTION :"schema".mailaudit_open(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION :"schema".mailaudit_open(bytea) TO mailaudit;
