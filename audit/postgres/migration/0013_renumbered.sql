-- +goose Up

-- Accounts to which the product gave another id. The state, the history and the mails go on under the new one.
ALTER TABLE mailaudit.account_states ADD COLUMN former_id text COLLATE "C" NOT NULL DEFAULT '';

CREATE TABLE mailaudit.renumbered (
    run_key   text NOT NULL REFERENCES mailaudit.runs ON DELETE CASCADE,
    new_id    text COLLATE "C" NOT NULL,
    former_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (run_key, new_id)
);
CREATE INDEX renumbered_by_former ON mailaudit.renumbered (former_id);
