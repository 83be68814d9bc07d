-- +goose Up

-- The last check of an account that the product asked for.
CREATE TABLE mailaudit.account_checks (
    account_id text PRIMARY KEY,
    check_id   text NOT NULL,
    tenant_id  text NOT NULL,
    at         timestamptz NOT NULL,
    state      text NOT NULL, -- asking, done, waits, failed
    verdict    text NOT NULL DEFAULT '',
    two_factor text NOT NULL DEFAULT '',
    certainty  text NOT NULL DEFAULT '',
    retry_at   timestamptz
);
CREATE INDEX account_checks_tenant ON mailaudit.account_checks (tenant_id);
