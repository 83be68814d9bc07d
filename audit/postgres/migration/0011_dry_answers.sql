-- +goose Up

-- What a dry run has heard today: the run of the same day takes each answer once, for the same secret, instead of asking again.
CREATE TABLE mailaudit.dry_answers (
    account_id  text PRIMARY KEY,
    day         date NOT NULL,
    fingerprint text NOT NULL,
    name        text NOT NULL,
    said        text NOT NULL,
    taken_by    text NOT NULL DEFAULT ''
);
