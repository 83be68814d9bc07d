-- +goose Up
-- Ids of accounts compare by bytes (COLLATE "C"), whatever the database's collation is: pages of states,
-- history and notes are merged in the program.

CREATE TABLE mailaudit.mail_accounts (
    account_id      text COLLATE "C" PRIMARY KEY,
    tenant_id       text NOT NULL,
    tenant_name     text NOT NULL DEFAULT '',
    address         text NOT NULL,
    username        text NOT NULL DEFAULT '',
    host            text NOT NULL DEFAULT '',
    port            integer NOT NULL DEFAULT 0,
    security        text NOT NULL DEFAULT '',
    auth            text NOT NULL DEFAULT 'password',
    secret          bytea NOT NULL,
    contact_name    text NOT NULL DEFAULT '',
    contact_email   text NOT NULL DEFAULT '',
    locale          text NOT NULL DEFAULT '',
    time_zone       text NOT NULL DEFAULT '',
    updated_at      timestamptz,
    last_sent_ok_at timestamptz
);
CREATE INDEX mail_accounts_by_tenant ON mailaudit.mail_accounts (tenant_id, account_id);

CREATE TABLE mailaudit.runs (
    run_key      text PRIMARY KEY,
    seq          bigint NOT NULL UNIQUE,
    status       text NOT NULL,
    phase        text NOT NULL,
    scope        json NOT NULL,
    whole        boolean NOT NULL,
    started_at   timestamptz NOT NULL,
    deadline     timestamptz NOT NULL,
    planned_to   text NOT NULL DEFAULT '',
    accounts     integer NOT NULL DEFAULT 0,
    batches      integer NOT NULL DEFAULT 0, -- how many were numbered
    finished_at  timestamptz,
    heartbeat_at timestamptz,
    stop_reason  text NOT NULL DEFAULT '',
    numbers      json,
    posting_at   timestamptz,
    posted_at    timestamptz,
    posted_ref   text NOT NULL DEFAULT ''
);

CREATE TABLE mailaudit.batches (
    run_key  text NOT NULL REFERENCES mailaudit.runs ON DELETE CASCADE,
    n        integer NOT NULL,
    provider text NOT NULL,
    try      integer NOT NULL,
    doubtful boolean NOT NULL,
    due_at   timestamptz,
    ids      text[] NOT NULL,
    done     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_key, n)
) WITH (fillfactor = 80);

-- One row an account, written by every run. No index holds what a quiet night writes, and half of each page is
-- left free, for a batch writes all rows of a page at once: so a quiet night's new versions stay on their page
-- (HOT), leave the indexes alone and need no vacuum.
CREATE TABLE mailaudit.account_states (
    account_id           text COLLATE "C" PRIMARY KEY,
    tenant_id            text NOT NULL,
    tenant_name          text NOT NULL,
    address              text NOT NULL,
    provider             text NOT NULL,
    brand                text NOT NULL,
    verdict              text NOT NULL DEFAULT '',
    two_factor           text NOT NULL DEFAULT '',
    certainty            text NOT NULL DEFAULT '',
    actor                text NOT NULL DEFAULT '',
    since                timestamptz,
    rule                 text NOT NULL DEFAULT '',
    reply                text NOT NULL DEFAULT '',
    reason               text NOT NULL DEFAULT '',
    nights               integer NOT NULL DEFAULT 0,
    night_at             timestamptz,
    told_step            integer NOT NULL DEFAULT 0,
    told_verdict         text NOT NULL DEFAULT '',
    told_first_at        timestamptz,
    told_at              timestamptz,
    told_notice          bigint NOT NULL DEFAULT 0,
    told_shadow          boolean NOT NULL DEFAULT false,
    fingerprint          text NOT NULL DEFAULT '',
    accepted_fingerprint text NOT NULL DEFAULT '',
    definite_at          timestamptz,
    unverified_since     timestamptz,
    settled_seq          bigint NOT NULL DEFAULT 0,
    -- tonight: what the run that asked last found
    run_key              text NOT NULL DEFAULT '',
    run_try              integer NOT NULL DEFAULT 0,
    run_quiet            boolean NOT NULL DEFAULT false,
    run_provider         text NOT NULL DEFAULT '',
    run_result           json
) WITH (fillfactor = 45);
CREATE INDEX account_states_not_quiet ON mailaudit.account_states (account_id) WHERE NOT run_quiet;

-- History, only on change: each row holds until the account's next one.
CREATE TABLE mailaudit.verdict_changes (
    account_id  text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    run_key     text NOT NULL,
    tenant_id   text NOT NULL,
    tenant_name text NOT NULL,
    address     text NOT NULL,
    provider    text NOT NULL,
    verdict     text NOT NULL,
    previous    text NOT NULL,
    two_factor  text NOT NULL,
    certainty   text NOT NULL,
    actor       text NOT NULL,
    since       timestamptz NOT NULL,
    rule        text NOT NULL,
    reply       text NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (account_id, seq)
);

-- What a run says of an account where the history cannot tell: unverified, carried, or a narrowed run.
CREATE TABLE mailaudit.run_notes (
    run_key    text NOT NULL REFERENCES mailaudit.runs ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL,
    finding    json NOT NULL,
    PRIMARY KEY (run_key, account_id)
);

CREATE TABLE mailaudit.attempts (
    day    date NOT NULL,
    login  text NOT NULL,
    secret text NOT NULL,
    used   integer NOT NULL,
    PRIMARY KEY (day, login, secret)
) WITH (fillfactor = 80);

CREATE TABLE mailaudit.notices (
    notice_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key       text NOT NULL,
    purpose       text NOT NULL, -- finding (reminders too) or recovered
    kind          text NOT NULL,
    tenant_id     text NOT NULL,
    contact_email text NOT NULL,
    provider      text NOT NULL,
    state         text NOT NULL,
    detail        text NOT NULL DEFAULT '',
    due_at        timestamptz,
    created_at    timestamptz NOT NULL,
    claimed_at    timestamptz,
    sent_at       timestamptz,
    tries         integer NOT NULL DEFAULT 0,
    message_id    text NOT NULL DEFAULT '',
    thread        bigint NOT NULL DEFAULT 0, -- the first notice about these findings
    UNIQUE (run_key, tenant_id, contact_email, provider, purpose)
);
CREATE INDEX notices_by_state ON mailaudit.notices (state, due_at);
CREATE INDEX notices_by_sending ON mailaudit.notices ((coalesce(sent_at, claimed_at))) WHERE state IN ('sent', 'ambiguous');

CREATE TABLE mailaudit.notice_items (
    notice_id  bigint NOT NULL REFERENCES mailaudit.notices ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL,
    verdict    text NOT NULL,
    since      timestamptz,
    step       integer NOT NULL,
    PRIMARY KEY (notice_id, account_id)
);
CREATE INDEX notice_items_by_account ON mailaudit.notice_items (account_id);

-- For the product's own screens; its columns keep their names and meanings.
CREATE VIEW mailaudit.account_status AS
SELECT account_id, tenant_id, verdict, two_factor, since,
       CASE WHEN told_step > 0 AND NOT told_shadow AND told_notice > 0 THEN 'M-' || told_notice END AS notice_number,
       CASE WHEN told_step > 0 AND NOT told_shadow THEN told_at END AS told_at
FROM mailaudit.account_states
WHERE verdict NOT IN ('', 'gone');
COMMENT ON VIEW mailaudit.account_status IS
    'What is known of each account: verdict since when, the number of the first notice to its customer and when the last one was sent; both NULL where the customer knows of no open finding.';
