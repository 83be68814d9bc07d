-- +goose Up

ALTER TABLE mailaudit.account_states ADD COLUMN run_verdict text NOT NULL DEFAULT '';
ALTER TABLE mailaudit.account_states ADD COLUMN run_silent boolean NOT NULL DEFAULT false;
CREATE INDEX account_states_failing ON mailaudit.account_states (provider, since)
    WHERE verdict NOT IN ('', 'compliant', 'unproven', 'gone');
ALTER TABLE mailaudit.notices ADD COLUMN hold_key text NOT NULL DEFAULT ''; -- the run whose hold the notice waits in

CREATE TABLE mailaudit.holds (
    run_key    text NOT NULL,
    provider   text NOT NULL,
    why        text NOT NULL,
    state      text NOT NULL,
    opened_at  timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    PRIMARY KEY (run_key, provider)
);
CREATE UNIQUE INDEX holds_open ON mailaudit.holds (provider) WHERE state = 'open';

-- What a run noted once: the guards' rulings, the canaries' answers, our own troubles.
CREATE TABLE mailaudit.run_facts (
    run_key text NOT NULL REFERENCES mailaudit.runs ON DELETE CASCADE,
    name    text NOT NULL,
    value   text NOT NULL,
    PRIMARY KEY (run_key, name)
);

CREATE TABLE mailaudit.operator_actions (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    who       text NOT NULL,
    what      text NOT NULL,
    target    text NOT NULL,
    why       text NOT NULL
);

CREATE TABLE mailaudit.settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE mailaudit.snoozes (
    tenant_id  text PRIMARY KEY,
    until      timestamptz NOT NULL,
    snoozed_by text NOT NULL
);

CREATE TABLE mailaudit.bounces (
    address text PRIMARY KEY,
    detail  text NOT NULL,
    at      timestamptz NOT NULL
);
