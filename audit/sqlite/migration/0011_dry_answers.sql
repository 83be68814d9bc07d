-- +goose Up

-- What a dry run has heard today: the run of the same day takes each answer once, for the same secret, instead of asking again.
CREATE TABLE dry_answers (
    account_id  TEXT PRIMARY KEY,
    day         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    name        TEXT NOT NULL,
    said        TEXT NOT NULL,
    taken_by    TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
