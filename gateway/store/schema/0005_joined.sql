-- Version 5. Locks that joined the network at the door, beside those of the configuration. `address` is the driver's own, as JSON.
-- Written by runtime.
CREATE TABLE joined_lock (
    lock_id TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    joined_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
