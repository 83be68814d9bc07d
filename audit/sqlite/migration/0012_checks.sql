-- +goose Up

-- The last check of an account that the product asked for.
CREATE TABLE account_checks (
    account_id text PRIMARY KEY,
    check_id   text NOT NULL,
    tenant_id  text NOT NULL,
    at         INTEGER NOT NULL,
    state      text NOT NULL, -- asking, done, waits, failed
    verdict    text NOT NULL DEFAULT '',
    two_factor text NOT NULL DEFAULT '',
    certainty  text NOT NULL DEFAULT '',
    retry_at   INTEGER
);
CREATE INDEX account_checks_tenant ON account_checks (tenant_id);
