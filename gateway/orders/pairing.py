"""Accepting another device in a lock's place, and forgetting the one that is gone (A17)."""

from gateway.model.access_code import Origin
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.orders import unmanaged
from gateway.store import journal, lock_time, locks, pairing, slots
from gateway.store.database import Connection


def accept(con: Connection, lock_id: LockId, origin: Origin, at: Instant) -> bool:
    """Take the device that was found as the lock from now on. Returns False when there is nothing to accept.

    The new one is listed, and what is wanted is written to it. Codes that were to be removed are gone with the old device.
    """
    known = pairing.get(con, lock_id)
    if known is None or known.found is None:
        return False
    pairing.put(con, lock_id, known.found, at)
    forget_device(con, lock_id, at, is_another=True)
    body: dict[str, Fact] = {"reason": "accepted", "found": str(known.found)}
    journal.append(con, Event(EventKind.DEVICE_ADDED, lock_id, actor=origin, body=body), at)
    return True


def forget_device(con: Connection, lock_id: LockId, at: Instant, *, is_another: bool) -> None:
    """Forget what was seen of the device that was the lock, for the next one may be another; the caller sees to the pairing.

    Its slots, its clock, its link, and whether it keeps windows: a window is left to a lock alone only after *it* was seen to
    keep one (A2). That it broke one is forgotten only when it surely `is_another`. Codes of others that were to be adopted were in its slots (A14).
    """
    unmanaged.give_up_all(con, lock_id, "the device that held the code is not the lock any more", at)
    slots.forget_lock(con, lock_id)
    locks.forget_listing(con, lock_id)
    lock_time.forget(con, lock_id, is_another=is_another)
