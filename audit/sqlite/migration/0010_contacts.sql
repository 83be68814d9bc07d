-- +goose Up

-- The product says when it verified contacts, and has not verified this one: it is not mailed.
ALTER TABLE mail_accounts ADD COLUMN contact_unverified INTEGER NOT NULL DEFAULT 0;
