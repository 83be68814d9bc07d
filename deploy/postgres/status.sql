-- Lets the product show mailaudit.account_status on its own screens. Run it after mailaudit migrate, as the
-- role mailaudit or a superuser, with the role that the product reads as:
--
--   psql --set ON_ERROR_STOP=1 --dbname DATABASE --set reader=app --file status.sql

GRANT USAGE ON SCHEMA mailaudit TO :"reader";
GRANT SELECT ON mailaudit.account_status TO :"reader";
