-- +goose Up

-- The chain of evidence: a link for each concluded run, each purge and each pass of retention. It outlives the runs and
-- names no customer.
CREATE TABLE mailaudit.chain (
    n         bigint PRIMARY KEY,
    statement text NOT NULL,
    signature bytea -- of the statement; NULL where no key was configured
);

-- Chance, so that the digest of an action does not betray whom it names.
ALTER TABLE mailaudit.operator_actions ADD COLUMN nonce text NOT NULL DEFAULT '';
