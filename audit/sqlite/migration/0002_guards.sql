-- +goose Up

ALTER TABLE account_states ADD COLUMN run_verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE account_states ADD COLUMN run_silent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN hold_key TEXT NOT NULL DEFAULT ''; -- the run whose hold the notice waits in

CREATE TABLE holds (
    run_key    TEXT NOT NULL,
    provider   TEXT NOT NULL,
    why        TEXT NOT NULL,
    state      TEXT NOT NULL,
    opened_at  INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_key, provider)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX holds_open ON holds (provider) WHERE state = 'open';

-- What a run noted once: the guards' rulings, the canaries' answers, our own troubles.
CREATE TABLE run_facts (
    run_key TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (run_key, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_actions (
    action_id INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    who       TEXT NOT NULL,
    what      TEXT NOT NULL,
    target    TEXT NOT NULL,
    why       TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snoozes (
    tenant_id TEXT PRIMARY KEY,
    until     INTEGER NOT NULL,
    snoozed_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bounces (
    address TEXT PRIMARY KEY,
    detail  TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
