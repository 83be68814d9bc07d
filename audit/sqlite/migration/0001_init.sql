-- +goose Up
-- Times are microseconds since 1970 UTC, absent ones NULL.

CREATE TABLE mail_accounts (
    account_id      TEXT PRIMARY KEY,
    tenant_id       TEXT NOT NULL,
    tenant_name     TEXT NOT NULL DEFAULT '',
    address         TEXT NOT NULL,
    username        TEXT NOT NULL DEFAULT '',
    host            TEXT NOT NULL DEFAULT '',
    port            INTEGER NOT NULL DEFAULT 0,
    security        TEXT NOT NULL DEFAULT '',
    auth            TEXT NOT NULL DEFAULT 'password',
    secret          BLOB NOT NULL,
    contact_name    TEXT NOT NULL DEFAULT '',
    contact_email   TEXT NOT NULL DEFAULT '',
    locale          TEXT NOT NULL DEFAULT '',
    time_zone       TEXT NOT NULL DEFAULT '',
    updated_at      INTEGER,
    last_sent_ok_at INTEGER
) STRICT;

CREATE TABLE runs (
    run_key      TEXT PRIMARY KEY,
    seq          INTEGER NOT NULL UNIQUE,
    status       TEXT NOT NULL,
    phase        TEXT NOT NULL,
    scope        TEXT NOT NULL,
    whole        INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    deadline     INTEGER NOT NULL,
    planned_to   TEXT NOT NULL DEFAULT '',
    accounts     INTEGER NOT NULL DEFAULT 0,
    finished_at  INTEGER,
    heartbeat_at INTEGER,
    stop_reason  TEXT NOT NULL DEFAULT '',
    numbers      TEXT,
    posting_at   INTEGER,
    posted_at    INTEGER,
    posted_ref   TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE batches (
    run_key  TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    n        INTEGER NOT NULL,
    provider TEXT NOT NULL,
    try      INTEGER NOT NULL,
    doubtful INTEGER NOT NULL,
    due_at   INTEGER,
    ids      TEXT NOT NULL,
    done     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_key, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_states (
    account_id           TEXT PRIMARY KEY,
    tenant_id            TEXT NOT NULL,
    tenant_name          TEXT NOT NULL,
    address              TEXT NOT NULL,
    provider             TEXT NOT NULL,
    brand                TEXT NOT NULL,
    verdict              TEXT NOT NULL DEFAULT '',
    two_factor           TEXT NOT NULL DEFAULT '',
    certainty            TEXT NOT NULL DEFAULT '',
    actor                TEXT NOT NULL DEFAULT '',
    since                INTEGER,
    rule                 TEXT NOT NULL DEFAULT '',
    reply                TEXT NOT NULL DEFAULT '',
    reason               TEXT NOT NULL DEFAULT '',
    nights               INTEGER NOT NULL DEFAULT 0,
    night_at             INTEGER,
    told_step            INTEGER NOT NULL DEFAULT 0,
    told_verdict         TEXT NOT NULL DEFAULT '',
    told_first_at        INTEGER,
    told_at              INTEGER,
    told_notice          INTEGER NOT NULL DEFAULT 0,
    told_shadow          INTEGER NOT NULL DEFAULT 0,
    fingerprint          TEXT NOT NULL DEFAULT '',
    accepted_fingerprint TEXT NOT NULL DEFAULT '',
    definite_at          INTEGER,
    unverified_since     INTEGER,
    settled_seq          INTEGER NOT NULL DEFAULT 0,
    -- tonight: what the run that asked last found
    run_key              TEXT NOT NULL DEFAULT '',
    run_try              INTEGER NOT NULL DEFAULT 0,
    run_quiet            INTEGER NOT NULL DEFAULT 0,
    run_result           TEXT NOT NULL DEFAULT ''
) STRICT;

-- History, only on change: each row holds until the account's next one.
CREATE TABLE verdict_changes (
    account_id  TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    run_key     TEXT NOT NULL,
    tenant_id   TEXT NOT NULL,
    tenant_name TEXT NOT NULL,
    address     TEXT NOT NULL,
    provider    TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    previous    TEXT NOT NULL,
    two_factor  TEXT NOT NULL,
    certainty   TEXT NOT NULL,
    actor       TEXT NOT NULL,
    since       INTEGER NOT NULL,
    rule        TEXT NOT NULL,
    reply       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (account_id, seq)
) STRICT, WITHOUT ROWID;

-- What a run says of an account where the history cannot tell: unverified, carried, or a narrowed run.
CREATE TABLE run_notes (
    run_key    TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    finding    TEXT NOT NULL,
    PRIMARY KEY (run_key, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    day    TEXT NOT NULL,
    login  TEXT NOT NULL,
    secret TEXT NOT NULL,
    used   INTEGER NOT NULL,
    PRIMARY KEY (day, login, secret)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    notice_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    run_key       TEXT NOT NULL,
    purpose       TEXT NOT NULL, -- finding (reminders too) or recovered
    kind          TEXT NOT NULL,
    tenant_id     TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    provider      TEXT NOT NULL,
    state         TEXT NOT NULL,
    detail        TEXT NOT NULL DEFAULT '',
    due_at        INTEGER,
    created_at    INTEGER NOT NULL,
    claimed_at    INTEGER,
    sent_at       INTEGER,
    tries         INTEGER NOT NULL DEFAULT 0,
    message_id    TEXT NOT NULL DEFAULT '',
    thread        INTEGER NOT NULL DEFAULT 0, -- the first notice about these findings
    UNIQUE (run_key, tenant_id, contact_email, provider, purpose)
) STRICT;
CREATE INDEX notices_by_state ON notices (state, due_at);

CREATE TABLE notice_items (
    notice_id  INTEGER NOT NULL REFERENCES notices ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    since      INTEGER,
    step       INTEGER NOT NULL,
    PRIMARY KEY (notice_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_items_by_account ON notice_items (account_id);

