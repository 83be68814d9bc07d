-- +goose Up

-- What the product is told: an outbox, in order for a subject.
CREATE TABLE mailaudit.events (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   text NOT NULL UNIQUE,
    type       text NOT NULL,
    subject    text NOT NULL,
    account_id text NOT NULL DEFAULT '',
    tenant_id  text NOT NULL DEFAULT '',
    data       text NOT NULL,
    at         timestamptz NOT NULL,
    state      text NOT NULL DEFAULT 'queued', -- queued, sent, dead
    tries      integer NOT NULL DEFAULT 0,
    tried_from timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    detail     text NOT NULL DEFAULT '',
    settled_at timestamptz
);
CREATE INDEX events_queued ON mailaudit.events (subject, seq) WHERE state = 'queued';
CREATE INDEX events_state ON mailaudit.events (state, due_at);

-- The accounts that the product knows as failing.
CREATE TABLE mailaudit.known_failing (
    account_id text COLLATE "C" PRIMARY KEY,
    tenant_id  text NOT NULL,
    verdict    text NOT NULL,
    since      timestamptz,
    shadow     boolean NOT NULL DEFAULT false
);
