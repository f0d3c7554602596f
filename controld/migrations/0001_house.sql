-- The whole house. TEXT ids, BIGINT milliseconds since 1970 and 0/1, JSON as TEXT: a subset that holds on PostgreSQL too.

CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    calling_enabled BIGINT NOT NULL DEFAULT 1,
    recording_enabled BIGINT NOT NULL DEFAULT 1,
    hold_music TEXT,                       -- clip name; NULL: the configured default
    ringback TEXT,
    transfer_timeout_secs BIGINT,          -- NULL: the configured default
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    email TEXT NOT NULL UNIQUE,            -- lower case
    name TEXT NOT NULL,
    role TEXT NOT NULL,                    -- agent | supervisor | admin
    password_hash TEXT NOT NULL,           -- argon2id, PHC string
    disabled BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,           -- SHA-256 of the cookie's 256 random bits, hex
    user_id TEXT NOT NULL REFERENCES users(id),
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions(user_id);

CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    name TEXT NOT NULL,
    strategy TEXT NOT NULL DEFAULT 'all',  -- all | longest_idle | round_robin
    created_at BIGINT NOT NULL
);
CREATE TABLE team_members (
    team_id TEXT NOT NULL REFERENCES teams(id),
    user_id TEXT NOT NULL REFERENCES users(id),
    PRIMARY KEY (team_id, user_id)
);

-- One row an agent who has ever been on duty. `reachable_at`: last proof that the standing leg is alive.
CREATE TABLE presence (
    user_id TEXT PRIMARY KEY REFERENCES users(id),
    state TEXT NOT NULL,                   -- available | busy | away | offline
    reason TEXT,
    since BIGINT NOT NULL,
    call_id TEXT,                          -- the call this agent is on, set by the claim
    idle_since BIGINT NOT NULL
);

-- WhatsApp business numbers.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    name TEXT NOT NULL,
    phone_number_id TEXT NOT NULL UNIQUE,
    display_number TEXT NOT NULL,          -- digits only
    token TEXT NOT NULL,
    app_secret TEXT NOT NULL,
    verify_token TEXT NOT NULL,
    start_flow_id TEXT,
    calling_enabled BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);

CREATE TABLE contacts (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    wa_id TEXT,                            -- phone number, digits; absent for users with usernames
    user_key TEXT,                         -- business-scoped user id
    name TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX contacts_by_wa_id ON contacts(org_id, wa_id);
CREATE UNIQUE INDEX contacts_by_user_key ON contacts(org_id, user_key);

CREATE TABLE flows (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    name TEXT NOT NULL,
    draft TEXT NOT NULL,                   -- flow JSON
    revision BIGINT NOT NULL DEFAULT 1,    -- of the draft, for conflicts
    published_version BIGINT,              -- NULL: never published
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE flow_versions (
    flow_id TEXT NOT NULL REFERENCES flows(id),
    version BIGINT NOT NULL,
    body TEXT NOT NULL,                    -- flow JSON, immutable
    note TEXT NOT NULL DEFAULT '',
    published_by TEXT,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (flow_id, version)
);

-- D11: the receipt. A webhook is answered 200 once its row is committed.
CREATE TABLE inbox (
    id TEXT PRIMARY KEY,                   -- SHA-256 of account id and body, hex: a repeat is harmless
    account_id TEXT NOT NULL REFERENCES accounts(id),
    body TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    processed_at BIGINT,                   -- NULL: still to do
    outcome TEXT                           -- a word for people
);
CREATE INDEX inbox_waiting ON inbox(processed_at, received_at);

CREATE TABLE calls (
    id TEXT PRIMARY KEY,                   -- ours
    org_id TEXT NOT NULL REFERENCES organisations(id),
    account_id TEXT NOT NULL REFERENCES accounts(id),
    wacid TEXT NOT NULL UNIQUE,            -- WhatsApp's: exactly one row a call, whatever the webhooks do
    contact_id TEXT REFERENCES contacts(id),
    caller_name TEXT NOT NULL DEFAULT '',
    caller_phone TEXT NOT NULL DEFAULT '', -- may be empty
    caller_key TEXT NOT NULL DEFAULT '',   -- user id or wa_id; empty only on a tombstone
    direction TEXT NOT NULL,               -- incoming | outgoing
    status TEXT NOT NULL,                  -- ringing | ivr | queued | connected | on_hold | completed | missed | abandoned | rejected | failed
    flow_id TEXT,
    flow_version BIGINT,
    team_id TEXT,
    agent_id TEXT REFERENCES users(id),
    started_at BIGINT NOT NULL,
    answered_at BIGINT,                    -- accept returned 200
    queued_at BIGINT,
    connected_at BIGINT,
    held_since BIGINT,
    ended_at BIGINT,
    wait_ms BIGINT NOT NULL DEFAULT 0,
    talk_ms BIGINT NOT NULL DEFAULT 0,     -- hold excluded
    hold_ms BIGINT NOT NULL DEFAULT 0,
    ended_by TEXT,                         -- caller | agent | flow | system
    end_reason TEXT,
    leg_id TEXT,                           -- the caller's leg in mediad
    recording_id TEXT
);
CREATE INDEX calls_by_org ON calls(org_id, started_at, id);
CREATE INDEX calls_alive ON calls(ended_at);

-- Each step of a live call before its deeds (D10), and every happening after: the call's timeline.
CREATE TABLE journal (
    call_id TEXT NOT NULL REFERENCES calls(id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,                    -- a word: connect, node, digit, queued, rung, claimed, held …
    body TEXT NOT NULL,                    -- JSON; sensitive digits masked
    PRIMARY KEY (call_id, seq)
);

-- Where a live call stands; overwritten at each step, deleted at its end. Holds the unmasked values, so it goes with the call.
CREATE TABLE places (
    call_id TEXT PRIMARY KEY REFERENCES calls(id),
    place TEXT NOT NULL,                   -- JSON of ivr::Place, and what the desk needs beside it
    updated_at BIGINT NOT NULL
);

-- D12: a waiting caller. The claim is one conditional UPDATE of claimed_by.
CREATE TABLE hunts (
    call_id TEXT PRIMARY KEY REFERENCES calls(id),
    org_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    since BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    claimed_by TEXT,
    claimed_at BIGINT,
    ended_at BIGINT
);
CREATE TABLE rings (
    call_id TEXT NOT NULL REFERENCES hunts(call_id),
    user_id TEXT NOT NULL REFERENCES users(id),
    state TEXT NOT NULL,                   -- ringing | declined | stopped
    since BIGINT NOT NULL,
    PRIMARY KEY (call_id, user_id)
);

CREATE TABLE recordings (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organisations(id),
    call_id TEXT NOT NULL REFERENCES calls(id),
    state TEXT NOT NULL,                   -- recording | spooled | archived | failed
    reason TEXT,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT,
    bytes BIGINT,
    sha256 TEXT,
    place TEXT                             -- where the bytes are: a path below the recordings folder, or an object key
);

CREATE INDEX recordings_by_state ON recordings(state, started_at);
CREATE INDEX recordings_by_call ON recordings(call_id, started_at);

CREATE TABLE quality (
    call_id TEXT NOT NULL REFERENCES calls(id),
    leg TEXT NOT NULL,                     -- caller | agent
    at BIGINT NOT NULL,
    loss DOUBLE PRECISION NOT NULL,
    jitter_ms DOUBLE PRECISION NOT NULL,
    rtt_ms DOUBLE PRECISION,
    far_loss DOUBLE PRECISION,
    PRIMARY KEY (call_id, leg, at)
);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    org_id TEXT,
    user_id TEXT,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT 'ok'
);

-- Small facts about the house itself: last event dealt with of mediad (epoch, seq), signing key of links.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
