-- +goose Up

-- The product says when it verified contacts, and has not verified this one: it is not mailed.
ALTER TABLE mailaudit.mail_accounts ADD COLUMN contact_unverified boolean NOT NULL DEFAULT false;
