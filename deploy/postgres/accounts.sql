-- Lets mailaudit read the accounts from a view or table of the product, and nothing else. Run it as the
-- relation's owner, in the database that the relation is in:
--
--   psql --set ON_ERROR_STOP=1 --dbname DATABASE --set schema=app --set relation=mail_credentials --file accounts.sql
--
-- and name it in the configuration: accounts.relation: app.mail_credentials. Where this is another database
-- than mailaudit's own (accounts.database), add --set readonly=1: the role's transactions cannot write there.
--
-- A view is the better gate: it shows what an audit needs and hides the rest. For example:
--
--   CREATE VIEW app.mail_credentials AS
--   SELECT c.id AS account_id, c.clinic_id AS tenant_id, k.name AS tenant_name, c.mailbox AS address,
--          c.smtp_host AS host, c.smtp_port AS port, c.sealed_password AS secret,
--          k.owner_name AS contact_name, k.owner_email AS contact_email, k.time_zone
--   FROM app.credentials c JOIN app.clinics k ON k.id = c.clinic_id
--   WHERE NOT c.deleted;
--
-- A function that opens the secret in the view must be STABLE or IMMUTABLE: PostgreSQL calls a VOLATILE one for
-- every row that is read, even where only the other columns are asked for.
--
-- account_id needs a unique index underneath: the audit pages through the accounts by it.

SELECT format('GRANT CONNECT ON DATABASE %I TO mailaudit', current_database()) \gexec
GRANT USAGE ON SCHEMA :"schema" TO mailaudit;
GRANT SELECT ON :"schema".:"relation" TO mailaudit;

\if :{?readonly}
ALTER ROLE mailaudit IN DATABASE :"DBNAME" SET default_transaction_read_only = on;
\endif
