-- +goose Up

-- The chain of evidence: a link for each concluded run, each purge and each pass of retention. It outlives the runs and
-- names no customer.
CREATE TABLE chain (
    n         INTEGER PRIMARY KEY,
    statement TEXT NOT NULL,
    signature BLOB -- of the statement; NULL where no key was configured
) STRICT;

-- Chance, so that the digest of an action does not betray whom it names.
ALTER TABLE operator_actions ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
