-- +goose Up

-- Accounts to which the product gave another id. The state, the history and the mails go on under the new one.
ALTER TABLE account_states ADD COLUMN former_id TEXT NOT NULL DEFAULT '';

CREATE TABLE renumbered (
    run_key   TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    new_id    TEXT NOT NULL,
    former_id TEXT NOT NULL,
    PRIMARY KEY (run_key, new_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX renumbered_by_former ON renumbered (former_id);
