-- Version 3. Windows that locks keep themselves (A2, D6), lock clocks (T4), what a lock's link costs (A4, A5).

-- The window that went with the last write of a slot: asked of the lock, and what it confirmed that it enforces.
ALTER TABLE slot ADD COLUMN asked_starts_at_ms INTEGER;
ALTER TABLE slot ADD COLUMN asked_ends_at_ms INTEGER;
ALTER TABLE slot ADD COLUMN effective_starts_at_ms INTEGER;
ALTER TABLE slot ADD COLUMN effective_ends_at_ms INTEGER;
ALTER TABLE slot ADD COLUMN is_window_confirmed INTEGER NOT NULL DEFAULT 1 CHECK (is_window_confirmed IN (0, 1));

ALTER TABLE access_code ADD COLUMN prefer_native_scheduling INTEGER NOT NULL DEFAULT 1 CHECK (prefer_native_scheduling IN (0, 1));
ALTER TABLE access_code ADD COLUMN strict_start INTEGER NOT NULL DEFAULT 0 CHECK (strict_start IN (0, 1));
-- The lock could not keep this code's window; until the order changes it is written just in time. Written by fleet.
ALTER TABLE access_code ADD COLUMN is_window_refused INTEGER NOT NULL DEFAULT 0 CHECK (is_window_refused IN (0, 1));
-- The window last announced as scheduled on the lock.
ALTER TABLE access_code ADD COLUMN announced_starts_at_ms INTEGER;
ALTER TABLE access_code ADD COLUMN announced_ends_at_ms INTEGER;

-- What is known about a lock's clock, its schedules and its link. Written by fleet; `native_proven_at_ms` by the shell.
CREATE TABLE lock_time (
    lock_id TEXT PRIMARY KEY REFERENCES lock (lock_id),
    clock_state TEXT NOT NULL DEFAULT 'unchecked' CHECK (clock_state IN ('unchecked', 'good', 'wrong', 'unreadable')),
    clock_checked_at_ms INTEGER,
    clock_offset_ms INTEGER,                   -- the lock's time less ours, as found before it was set
    clock_tries INTEGER NOT NULL DEFAULT 0,
    clock_next_try_at_ms INTEGER,
    native_proven_at_ms INTEGER,               -- when this very lock was seen to refuse a PIN before its window (A2)
    link_calls INTEGER NOT NULL DEFAULT 0,     -- decaying counts, see model/link.py
    link_failures INTEGER NOT NULL DEFAULT 0,
    write_ms INTEGER NOT NULL DEFAULT 0,
    write_spread_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
