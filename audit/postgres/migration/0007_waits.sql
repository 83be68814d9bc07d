-- +goose Up

-- A queued notice whose accounts are to be re-checked first: since when it waits for that, and until when it is not
-- looked at.
ALTER TABLE mailaudit.notices ADD COLUMN waits_since timestamptz;
ALTER TABLE mailaudit.notices ADD COLUMN waits_until timestamptz;
