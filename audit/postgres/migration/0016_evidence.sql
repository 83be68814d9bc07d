-- +goose Up

-- What an attestation adds to the evidence of two-factor (JSON; '' for nothing), and when a run last asked the provider itself.
ALTER TABLE mailaudit.account_states ADD COLUMN attested text NOT NULL DEFAULT '', ADD COLUMN asked_at timestamptz,
    ADD COLUMN run_traffic boolean NOT NULL DEFAULT false;
ALTER TABLE mailaudit.verdict_changes ADD COLUMN attested text NOT NULL DEFAULT '';

-- Accounts that a run did not ask, for the product had sent mail by the same credential.
CREATE TABLE mailaudit.by_traffic (
    run_key text PRIMARY KEY REFERENCES mailaudit.runs ON DELETE CASCADE,
    ids     text[] NOT NULL
);
CREATE INDEX account_states_traffic ON mailaudit.account_states (account_id) WHERE run_traffic;
