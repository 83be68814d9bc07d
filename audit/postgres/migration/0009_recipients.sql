-- +goose Up

-- By what the day's caps count a mail: the mailbox that all spellings of its contact lead to, and its domain where that is
-- no public one. A mail from before has neither, and is counted by its contact.
ALTER TABLE mailaudit.notices ADD COLUMN recipient text NOT NULL DEFAULT '';
ALTER TABLE mailaudit.notices ADD COLUMN recipient_domain text NOT NULL DEFAULT '';
