-- +goose Up

-- What the product is told: an outbox, in order for a subject.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   text NOT NULL UNIQUE,
    type       text NOT NULL,
    subject    text NOT NULL,
    account_id text NOT NULL DEFAULT '',
    tenant_id  text NOT NULL DEFAULT '',
    data       text NOT NULL,
    at         INTEGER NOT NULL,
    state      text NOT NULL DEFAULT 'queued', -- queued, sent, dead
    tries      integer NOT NULL DEFAULT 0,
    tried_from INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    detail     text NOT NULL DEFAULT '',
    settled_at INTEGER
);
CREATE INDEX events_queued ON events (subject, seq) WHERE state = 'queued';
CREATE INDEX events_state ON events (state, due_at);

-- The accounts that the product knows as failing.
CREATE TABLE known_failing (
    account_id text PRIMARY KEY,
    tenant_id  text NOT NULL,
    verdict    text NOT NULL,
    since      INTEGER,
    shadow     INTEGER NOT NULL DEFAULT 0
);
