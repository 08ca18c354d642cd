"""What only time can judge: windows that a lock keeps itself (A2), and leads that a weak link stretches (A4)."""

from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.link import LONGEST_LEAD_MS
from gateway.store import lock_time, slots
from gateway.store.database import Connection
from tests.sim.book import Wish
from tests.sim.doors import Door


def lead_of(con: Connection, lock_id: str, lead_ms: int) -> int:
    """The lead that this lock's link asks for: a weak one makes it longer (A4)."""
    return lock_time.get(con, LockId(lock_id)).link.lead_ms(lead_ms)


def has_window(con: Connection, lock_id: str, wish: Wish) -> bool:
    """Whether the write that begins now carries a window that opens no earlier, and shuts no later, than ordered (A2)."""
    known = slots.of_lock(con, LockId(lock_id))
    asked = next((record.barrier.asked for record in known.values() if record.lease == wish.code_id), None)
    if asked is None or asked.ends_at is None or wish.ends_at is None:
        return False
    return (asked.starts_at or 0) >= (wish.starts_at or 0) and asked.ends_at <= wish.ends_at


def may_be_there(door: Door, slot: int, wish: Wish, at: Instant, loop_s: float) -> bool:
    """Whether a PIN may lie on the lock although its lead has not begun: the lock itself keeps it shut (A2), or a weak link
    has stretched the lead (A4)."""
    is_ahead = not wish.is_over(at) and wish.starts_at is not None
    return is_ahead and (not door.firmware.may_open(slot, loop_s) or wish.is_wanted(at, LONGEST_LEAD_MS))
