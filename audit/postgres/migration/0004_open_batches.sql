-- +goose Up
-- What is to be done next is looked up several times a second, whether a run has five batches or five thousand.
CREATE INDEX batches_open ON mailaudit.batches (run_key, provider, doubtful DESC, n) WHERE NOT done;
