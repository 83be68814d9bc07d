-- +goose Up

-- What each process of a run found that a provider bears of it: where the next night begins.
CREATE TABLE mailaudit.paces (
    run_key  text NOT NULL REFERENCES mailaudit.runs ON DELETE CASCADE,
    provider text NOT NULL,
    process  text NOT NULL, -- drawn by lot
    at_once  integer NOT NULL, -- conversations; 0: nothing that would be true of another night
    refused  boolean NOT NULL, -- more was refused
    PRIMARY KEY (run_key, provider, process)
);
