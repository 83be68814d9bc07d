-- +goose Up

-- What run --changed and a hold's release found between two runs; the next run's settlement makes history of it.
ALTER TABLE mailaudit.account_states ADD COLUMN mended_verdict text NOT NULL DEFAULT ''; -- the finding that an acceptance between two runs ended
ALTER TABLE mailaudit.account_states ADD COLUMN mended_at timestamptz;
ALTER TABLE mailaudit.account_states ADD COLUMN tried_fingerprint text NOT NULL DEFAULT ''; -- of the secret that was asked between two runs last
