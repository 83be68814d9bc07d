-- +goose Up

-- What each process of a run found that a provider bears of it: where the next night begins.
CREATE TABLE paces (
    run_key  TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    provider TEXT NOT NULL,
    process  TEXT NOT NULL, -- drawn by lot
    at_once  INTEGER NOT NULL, -- conversations; 0: nothing that would be true of another night
    refused  INTEGER NOT NULL, -- more was refused
    PRIMARY KEY (run_key, provider, process)
) STRICT, WITHOUT ROWID;
