-- +goose Up

-- Where the accepted secret went, and a keyed binding of secret, destination and login; '' until it is accepted again.
ALTER TABLE mailaudit.account_states ADD COLUMN accepted_binding text NOT NULL DEFAULT '';
