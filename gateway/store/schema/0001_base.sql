-- Version 1. Instants are UTC milliseconds (T5); digests are HMACs under the hub's key (A11), never PINs.

-- Small facts: epochs, counters, high-water marks. Written by whoever owns the fact's name.
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Locks that the hub has met, with the profile their driver gave. Written by fleet.
CREATE TABLE lock (
    lock_id TEXT PRIMARY KEY,
    profile TEXT NOT NULL,                     -- JSON, see store/locks.py
    listed_at_ms INTEGER,                      -- when all slots were first listed
    is_reachable INTEGER NOT NULL DEFAULT 0 CHECK (is_reachable IN (0, 1)),
    reachable_changed_at_ms INTEGER,
    battery_percent INTEGER CHECK (battery_percent BETWEEN 0 AND 100)
) STRICT, WITHOUT ROWID;

-- DESIRED: access codes as ordered. Written by orders; `announced` columns by fleet.
CREATE TABLE access_code (
    code_id TEXT PRIMARY KEY,
    lock_id TEXT NOT NULL,
    name TEXT NOT NULL,
    pin_sealed BLOB,                           -- NULL once erased (A19)
    pin_digest BLOB NOT NULL CHECK (length(pin_digest) = 16),
    starts_at_ms INTEGER,
    ends_at_ms INTEGER,
    generation INTEGER NOT NULL CHECK (generation >= 1),
    created_at_ms INTEGER NOT NULL,
    accepted_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER,
    origin TEXT NOT NULL CHECK (origin IN ('cloud', 'shell', 'hub')),
    is_external_modification_allowed INTEGER NOT NULL DEFAULT 0 CHECK (is_external_modification_allowed IN (0, 1)),
    finished_at_ms INTEGER,                    -- proven gone after a delete or its end: nothing left to do
    announced_status TEXT NOT NULL DEFAULT 'unset',
    announced_digest BLOB,                     -- the PIN last announced as set on the lock
    announced_issues TEXT NOT NULL DEFAULT '', -- names separated by blanks, sorted
    CHECK (starts_at_ms IS NULL OR ends_at_ms IS NULL OR starts_at_ms < ends_at_ms),
    CHECK (finished_at_ms IS NULL OR deleted_at_ms IS NOT NULL OR ends_at_ms IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_code_of_lock ON access_code (lock_id, pin_digest) WHERE finished_at_ms IS NULL;

-- LEDGER and SIGHTED: one row per slot that was ever leased or sighted. Written by fleet only.
CREATE TABLE slot (
    lock_id TEXT NOT NULL REFERENCES lock (lock_id),
    slot INTEGER NOT NULL,
    lease TEXT REFERENCES access_code (code_id),
    operation TEXT NOT NULL DEFAULT 'none' CHECK (operation IN ('none', 'write', 'clear')),
    outcome TEXT NOT NULL DEFAULT 'none'
        CHECK (outcome IN ('none', 'pending', 'not_sent', 'acknowledged', 'ambiguous', 'refused', 'confirmed')),
    intended_digest BLOB,
    intended_at_ms INTEGER,
    was_empty INTEGER NOT NULL DEFAULT 0 CHECK (was_empty IN (0, 1)),
    evidence TEXT CHECK (evidence IN ('acknowledged', 'masked', 'supervised', 'notified', 'read_back', 'used')),
    evidence_at_ms INTEGER,
    proven_digest BLOB,
    refusal TEXT,
    refused_generation INTEGER,
    sighted TEXT NOT NULL DEFAULT 'unknown' CHECK (sighted IN ('unknown', 'empty', 'held', 'masked', 'disabled')),
    sighted_digest BLOB,
    sighted_at_ms INTEGER,
    sighted_by TEXT NOT NULL DEFAULT 'lock' CHECK (sighted_by IN ('lock', 'middleman')),
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms INTEGER,
    unanswered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lock_id, slot),
    CHECK ((evidence IS NULL) = (evidence_at_ms IS NULL)),
    CHECK (sighted = 'held' OR sighted_digest IS NULL),
    CHECK (lease IS NOT NULL OR operation = 'none')
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX slot_of_code ON slot (lease) WHERE lease IS NOT NULL;

-- Repeat tries per code and UTC day (A8). Written by fleet.
CREATE TABLE effort (
    code_id TEXT PRIMARY KEY REFERENCES access_code (code_id),
    day INTEGER NOT NULL,
    repeats INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- INBOX: every order ever received, with its answer; the id alone makes an order idempotent (C1, N3). Written by orders.
CREATE TABLE command (
    command_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    code_id TEXT,
    lock_id TEXT,
    generation INTEGER,
    answer TEXT NOT NULL,                      -- JSON of the receipt, without any PIN
    final TEXT CHECK (final IN ('rejected', 'applied', 'failed'))
) STRICT, WITHOUT ROWID;
CREATE INDEX command_open ON command (code_id) WHERE final IS NULL;

-- JOURNAL and OUTBOX: append-only, hash-chained (A19). Rows with a `seq` are events for the cloud.
CREATE TABLE journal (
    line INTEGER PRIMARY KEY,
    seq INTEGER UNIQUE,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    lock_id TEXT,
    code_id TEXT,
    command_id TEXT,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,                        -- JSON, never a PIN (N1)
    chain BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;
CREATE INDEX journal_of_code ON journal (code_id) WHERE code_id IS NOT NULL;
