"""Accepting another device in a lock's place (A17)."""

from gateway.model.access_code import Origin
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.store import journal, locks, pairing, slots
from gateway.store.database import Connection


def accept(con: Connection, lock_id: LockId, origin: Origin, at: Instant) -> bool:
    """Take the device that was found as the lock from now on. Returns False when there is nothing to accept.

    Whatever was known about slots was about the other device: it is forgotten, the new one is listed, and what is wanted is
    written to it. Codes that were to be removed are gone with the old device.
    """
    known = pairing.get(con, lock_id)
    if known is None or known.found is None:
        return False
    pairing.put(con, lock_id, known.found, at)
    slots.forget_lock(con, lock_id)
    locks.forget_listing(con, lock_id)
    body: dict[str, Fact] = {"reason": "accepted", "found": str(known.found)}
    journal.append(con, Event(EventKind.DEVICE_ADDED, lock_id, actor=origin, body=body), at)
    return True
