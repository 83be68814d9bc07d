-- +goose Up
-- What is to be done next is looked up several times a second; the index holds it without the ids.
CREATE INDEX batches_open ON batches (run_key, provider, doubtful DESC, n, try, due_at) WHERE NOT done;
