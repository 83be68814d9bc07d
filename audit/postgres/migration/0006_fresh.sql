-- +goose Up

-- When the provider itself last gave the failing verdict. What is known of older nights is when their runs began.
ALTER TABLE mailaudit.account_states ADD COLUMN seen_at timestamptz;
UPDATE mailaudit.account_states SET seen_at = night_at WHERE verdict NOT IN ('', 'compliant', 'unproven', 'gone');
