-- Version 4. What the hub keeps about the past, and what it needs to judge a lock's word by it (A17 to A19).

-- The last code that was proven gone from a slot: when its PIN opens the door all the same, the proof was wrong (A18).
-- Written by fleet.
CREATE TABLE former_tenant (
    lock_id TEXT NOT NULL REFERENCES lock (lock_id),
    slot INTEGER NOT NULL,
    code_id TEXT NOT NULL REFERENCES access_code (code_id),
    pin_digest BLOB NOT NULL CHECK (length(pin_digest) = 16),
    gone_at_ms INTEGER NOT NULL,
    PRIMARY KEY (lock_id, slot)
) STRICT, WITHOUT ROWID;

-- Whether the lock complains of its battery, so that a complaint is told once (A18). Written by fleet.
ALTER TABLE lock ADD COLUMN is_battery_low INTEGER NOT NULL DEFAULT 0 CHECK (is_battery_low IN (0, 1));

-- Which device each lock was when it was paired (A17). `found` is the identity of another device in its place, for as long
-- as it is not accepted. Written by fleet and shell.
CREATE TABLE pairing (
    lock_id TEXT PRIMARY KEY REFERENCES lock (lock_id),
    identity TEXT NOT NULL,
    paired_at_ms INTEGER NOT NULL,
    found TEXT,
    found_at_ms INTEGER,
    CHECK ((found IS NULL) = (found_at_ms IS NULL))
) STRICT, WITHOUT ROWID;

-- What an event says of a person, as JSON from a path in `body` to [salt, text]. The chained body holds a digest in its
-- place, so the text can be erased and the chain stays whole (A19). Written with the line, set to NULL by the chore.
ALTER TABLE journal ADD COLUMN personal TEXT;
CREATE INDEX journal_personal ON journal (code_id) WHERE personal IS NOT NULL;

-- How often in a row a proven code was found changed or gone (A8). Written by fleet.
CREATE TABLE loss (
    code_id TEXT PRIMARY KEY REFERENCES access_code (code_id),
    count INTEGER NOT NULL CHECK (count >= 1),
    last_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- PINs that are or may be in a slot, sealed until they are proven gone (A11). Written by fleet.
CREATE TABLE placed_pin (
    lock_id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    pin_digest BLOB NOT NULL CHECK (length(pin_digest) = 16),
    pin_sealed BLOB NOT NULL,
    PRIMARY KEY (lock_id, slot, pin_digest)
) STRICT, WITHOUT ROWID;
