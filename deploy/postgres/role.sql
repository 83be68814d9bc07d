-- The role that mailaudit works as, and the schema that is its own. Run it as a superuser, or as a role that
-- may create roles and owns the database, in the database that mailaudit keeps its tables in:
--
--   psql --set ON_ERROR_STOP=1 --dbname DATABASE --file role.sql
--   psql --dbname DATABASE --command '\password mailaudit'
--   mailaudit migrate                                         (with database: postgres://mailaudit@...)
--
-- It may be run again. The role reads and writes nothing but its schema; accounts.sql lets it read the accounts.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailaudit') THEN
        CREATE ROLE mailaudit LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO mailaudit', current_database());
END
$$;

-- Behind a pooler the program cannot say these on connecting. A process that falls silent holds no locks.
ALTER ROLE mailaudit SET statement_timeout = '15s';
ALTER ROLE mailaudit SET lock_timeout = '5s';
ALTER ROLE mailaudit SET synchronous_commit = on; -- mails leave on the word of a commit
ALTER ROLE mailaudit SET idle_in_transaction_session_timeout = '15s';

CREATE SCHEMA IF NOT EXISTS mailaudit;
ALTER SCHEMA mailaudit OWNER TO mailaudit;

-- Where another role has migrated before, what it made is its own, and the next migration would be refused.
DO $$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT format('ALTER %s %s OWNER TO mailaudit', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class c
        WHERE c.relnamespace = 'mailaudit'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relowner <> 'mailaudit'::regrole
            -- A column's own sequence goes with its table.
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO mailaudit', p.oid::regprocedure)
        FROM pg_proc p WHERE p.pronamespace = 'mailaudit'::regnamespace AND p.proowner <> 'mailaudit'::regrole
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO mailaudit', t.oid::regtype)
        FROM pg_type t WHERE t.typnamespace = 'mailaudit'::regnamespace AND t.typtype IN ('e', 'd') AND t.typowner <> 'mailaudit'::regrole
    LOOP
        EXECUTE command;
    END LOOP;
END
$$;
