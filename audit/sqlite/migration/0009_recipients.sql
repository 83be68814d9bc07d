-- +goose Up

-- By what the day's caps count a mail: the mailbox that all spellings of its contact lead to, and its domain where that is
-- no public one. A mail from before has neither, and is counted by its contact.
ALTER TABLE notices ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE notices ADD COLUMN recipient_domain TEXT NOT NULL DEFAULT '';
