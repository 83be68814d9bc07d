-- +goose Up

-- A queued notice whose accounts are to be re-checked first: since when it waits for that, and until when it is not
-- looked at.
ALTER TABLE notices ADD COLUMN waits_since INTEGER;
ALTER TABLE notices ADD COLUMN waits_until INTEGER;
