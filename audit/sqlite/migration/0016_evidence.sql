-- +goose Up

-- What an attestation adds to the evidence of two-factor (JSON; '' for nothing), and when a run last asked the provider itself.
ALTER TABLE account_states ADD COLUMN attested TEXT NOT NULL DEFAULT '';
ALTER TABLE account_states ADD COLUMN asked_at INTEGER;
ALTER TABLE account_states ADD COLUMN run_traffic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdict_changes ADD COLUMN attested TEXT NOT NULL DEFAULT '';

-- Accounts that a run did not ask, for the product had sent mail by the same credential.
CREATE TABLE by_traffic (
    run_key TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    ids     TEXT NOT NULL -- a JSON array
) STRICT, WITHOUT ROWID;
CREATE INDEX account_states_traffic ON account_states (account_id) WHERE run_traffic;
