"""What becomes of the orders and codes of a lock that is none of this hub's any more (C2, A19).

No worker looks at such a lock, so nothing about it is ever proven again. Living codes wait for a lock that joins under its name;
orders do not wait with them, since a cloud counts on their end.
"""

from collections.abc import Iterable

from gateway.model.access_code import AccessCode
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.snapshot import Announced, OpenOrder
from gateway.store import codes, inbox, journal, slots, takeovers
from gateway.store.database import Connection

LOCK_IS_GONE = "device_removed"
"""The reason of `command.failed`: the word by which a device without its lock is told (A6)."""


def left(con: Connection, lock_id: LockId, at: Instant) -> None:
    """A person let go of the lock, and its slots are forgotten: its open orders fail, its deleted codes are finished."""
    _fail(con, lock_id, inbox.open_orders(con, lock_id), at)
    for slot in takeovers.of_lock(con, lock_id):
        takeovers.drop(con, lock_id, slot)
    finish_deleted(con, lock_id, at)


def finish_deleted(con: Connection, lock_id: LockId, at: Instant) -> None:
    """Deleted codes of a lock that is gone have nothing left to wait for, and what orders wait for them are applied.

    One that still holds a slot waits: its lock was taken out of the configuration with the code in it, and may come back.
    """
    for code in codes.unfinished(con, lock_id):
        if code.is_deleted and not slots.holds_any(con, code.code_id):
            _finish(con, code, at)


def _finish(con: Connection, code: AccessCode, at: Instant) -> None:
    # Not told as removed from its device: nobody has seen that (N6).
    body: dict[str, Fact] = {"generation": code.generation}
    for order in inbox.open_orders_of_code(con, code.code_id):
        inbox.close(con, order.command_id, inbox.Final.APPLIED)
        event = Event(EventKind.COMMAND_APPLIED, code.lock_id, code.code_id, order.command_id, body=body)
        journal.append(con, event, at)
    journal.append(con, Event(EventKind.CODE_DELETED, code.lock_id, code.code_id, body=body), at)
    codes.announce(con, code.code_id, Announced())
    codes.finish(con, code.code_id, at)


def _fail(con: Connection, lock_id: LockId, orders: Iterable[OpenOrder], at: Instant) -> None:
    for order in orders:
        inbox.close(con, order.command_id, inbox.Final.FAILED)
        body: dict[str, Fact] = {"reason": LOCK_IS_GONE, "generation": order.generation}
        event = Event(EventKind.COMMAND_FAILED, lock_id, order.code_id, order.command_id, body=body)
        journal.append(con, event, at)
