"""Everything the planner needs about one lock, in one read."""

from gateway.model.ids import LockId
from gateway.model.snapshot import LockSettings, LockSnapshot
from gateway.store import codes, inbox, lock_time, locks, losses, pairing, pool, slots, takeovers
from gateway.store.database import Connection


def take(con: Connection, lock_id: LockId, settings: LockSettings) -> LockSnapshot | None:
    """The lock as it stands now, or None when no driver ever brought it."""
    row = locks.get(con, lock_id)
    if row is None:
        return None
    time = lock_time.get(con, lock_id)
    return LockSnapshot(
        lock_id=lock_id,
        profile=time.judging(row.profile),
        settings=settings,
        codes=codes.unfinished(con, lock_id),
        slots=slots.of_lock(con, lock_id),
        announced=codes.announced(con, lock_id),
        orders=inbox.open_orders(con, lock_id),
        efforts=slots.efforts(con, lock_id),
        listed_at=row.listed_at,
        is_reachable=row.is_reachable,
        is_quarantined=pairing.is_quarantined(con, lock_id),
        clock=time.clock,
        link=time.link,
        refused_windows=codes.refused_windows(con, lock_id),
        trial=lock_time.trial(con, lock_id),
        is_window_disproved=time.native_disproved_at is not None,
        pool=pool.of_lock(con, lock_id, settings.pool),
        takeovers=takeovers.of_lock(con, lock_id),
        losses=losses.of_lock(con, lock_id),
    )
