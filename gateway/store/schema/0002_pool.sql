-- Version 2: backup pools (A12), unmanaged codes that somebody asked for (A14), PINs on their way to the cloud (A6).

-- Whether the pool of a lock was turned on or off; no row: the configuration decides. Written by orders and fleet.
CREATE TABLE pool (
    lock_id TEXT PRIMARY KEY,
    is_on INTEGER CHECK (is_on IN (0, 1)),
    announced_issues TEXT NOT NULL DEFAULT ''  -- names separated by blanks, sorted
) STRICT, WITHOUT ROWID;

-- What makes an access code a backup; without an original it is a spare. A row stays: its PIN is never used again.
CREATE TABLE backup (
    code_id TEXT PRIMARY KEY REFERENCES access_code (code_id),
    pulled_for TEXT REFERENCES access_code (code_id),
    pulled_at_ms INTEGER,
    CHECK ((pulled_for IS NULL) = (pulled_at_ms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX backup_of_original ON backup (pulled_for) WHERE pulled_for IS NOT NULL;

-- Codes that were ordered with the pool behind them. Written by orders.
CREATE TABLE pool_guest (
    code_id TEXT PRIMARY KEY REFERENCES access_code (code_id)
) STRICT, WITHOUT ROWID;

-- PINs that answers to the cloud carry, sealed to this hub; gone with the cloud's receipt (A6, N1). Written by orders.
CREATE TABLE answer_pin (
    seq INTEGER PRIMARY KEY,
    lock_id TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Codes of others that somebody asked us to take over or to take off (A14). Written by orders and fleet.
CREATE TABLE takeover (
    lock_id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    code_id TEXT NOT NULL UNIQUE,
    command_id TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('cloud', 'shell', 'hub')),
    purpose TEXT NOT NULL CHECK (purpose IN ('adopt', 'delete')),
    name TEXT NOT NULL,
    starts_at_ms INTEGER,
    ends_at_ms INTEGER,
    ordered_at_ms INTEGER NOT NULL,
    PRIMARY KEY (lock_id, slot)
) STRICT, WITHOUT ROWID;

-- A PIN that was ever used on this hub is never drawn again, whatever became of its code (A12).
CREATE INDEX access_code_with_pin ON access_code (pin_digest);
