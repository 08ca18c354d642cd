"""Requests for codes that others put on a lock: listed, adopted, deleted; never touched otherwise (A14)."""

from collections.abc import Mapping

from gateway.model.access_code import AccessCode
from gateway.model.answers import Empty, Held, Sighting, Unknown
from gateway.model.commands import Order, Rejection, RejectionReason
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import Instant, format_instant
from gateway.model.pin import DIGEST_BYTES, Pin, PinDigest
from gateway.model.pool_commands import ConvertUnmanaged, DeleteUnmanaged
from gateway.model.slot import SightedAs
from gateway.model.unmanaged import OCCUPIED, Purpose, Takeover, adopted, condemned, unmanaged
from gateway.model.window import Window
from gateway.orders.desk import Desk
from gateway.orders.pool import give_way, rivals
from gateway.orders.rules import check_pin, check_window, rival
from gateway.ports import Entropy
from gateway.store import codes, facts, inbox, journal, locks, slots, takeovers
from gateway.store.database import Connection
from gateway.store.seal import PinSeal

FIRST_GENERATION = 1
"""Of a code that is taken over: its order carries none."""


def listed(con: Connection, lock_id: LockId) -> list[Fact]:
    """The codes of others as they were last seen, by slot; no PIN."""
    found: list[Fact] = []
    for record in unmanaged(slots.of_lock(con, lock_id).values()):
        seen_at = None if record.sighted_at is None else format_instant(record.sighted_at)
        found.append(
            {
                "slot": int(record.slot),
                "is_pin_readable": record.sighted is SightedAs.HELD,
                "is_enabled": record.sighted is not SightedAs.DISABLED,
                "seen_at": seen_at,
            }
        )
    return found


def may_convert(con: Connection, wish: ConvertUnmanaged, order: Order, desk: Desk, at: Instant) -> Rejection | None:
    """Whether this code can become ours; the refusal says what is missing."""
    if (wrong := _check_slot(con, wish.lock_id, wish.slot)) is not None:
        return wrong
    if codes.get(con, wish.code_id) is not None or takeovers.is_asked_for(con, wish.code_id):
        message = "an access code with this id exists: choose another id"
        return Rejection(RejectionReason.ALREADY_EXISTS, "access_code_id", message)
    if facts.overtaken(con, wish.code_id) >= FIRST_GENERATION:
        message = "a newer order has deleted the access code with this id: choose another id"
        return Rejection(RejectionReason.STALE, "access_code_id", message)
    try:
        window = Window(wish.starts_at, wish.ends_at)
    except ValueError:
        return Rejection(RejectionReason.INVALID_INPUT, "ends_at", "the window ends at or before its start")
    if (wrong := check_window(window, at)) is not None:
        return wrong
    record = slots.get(con, wish.lock_id, wish.slot)
    if wish.pin is None:
        if record.sighted is SightedAs.HELD:
            return None
        return Rejection(RejectionReason.INVALID_INPUT, "code", "this lock hides the PIN: give it with the order")
    digest = desk.seal.digest(wish.pin)
    if record.sighted is SightedAs.HELD and record.sighted_digest != digest:
        message = "is not the PIN in that slot: leave it out, and the hub reads it from the lock"
        return Rejection(RejectionReason.INVALID_INPUT, "code", message)
    code = _code(wish.lock_id, _takeover(wish, order, at), digest, at)
    same_pin = rivals(con, wish.lock_id, digest)
    lead_ms = desk.lead_ms(con, wish.lock_id)
    return check_pin(wish.pin, locks.get(con, wish.lock_id)) or rival(code, same_pin, lead_ms)


def convert(con: Connection, wish: ConvertUnmanaged, order: Order, seal: PinSeal, at: Instant) -> None:
    """Take the code over: at once when its PIN was given, else after a look at the slot, since we keep no PINs of others."""
    takeover = _takeover(wish, order, at)
    if wish.pin is None:
        takeovers.add(con, wish.lock_id, takeover)
    else:
        _adopt(con, wish.lock_id, takeover, wish.pin, seal, at)


def may_delete(con: Connection, wish: DeleteUnmanaged) -> Rejection | None:
    """Whether there is a code of somebody else in the slot."""
    return _check_slot(con, wish.lock_id, wish.slot)


def delete(
    con: Connection, wish: DeleteUnmanaged, code_id: CodeId, order: Order, entropy: Entropy, at: Instant
) -> None:
    """Take the code over and delete it: the worker clears the slot and proves it empty."""
    record = slots.get(con, wish.lock_id, wish.slot)
    # A hidden PIN has no digest; chance stands for it and matches nothing.
    digest = record.sighted_digest or PinDigest(entropy.token(DIGEST_BYTES))
    name = f"Unmanaged code in slot {wish.slot}"
    takeover = Takeover(wish.slot, code_id, order.command_id, order.origin, Purpose.DELETE, name, Window(), at)
    takeovers.add(con, wish.lock_id, takeover)
    codes.put(con, _code(wish.lock_id, takeover, digest, at, deleted_at=at), None)
    slots.put(con, wish.lock_id, condemned(record, code_id, digest))


def looked(con: Connection, lock_id: LockId, slot: Slot, sighting: Sighting, seal: PinSeal, at: Instant) -> None:
    """The lock showed a slot: an adoption that waits for it goes through, or fails for good.

    It fails when a code of ours was put there since: then the PIN is that code's, and keeps that code's window.
    """
    takeover = takeovers.of_lock(con, lock_id).get(slot)
    if takeover is None or takeover.purpose is not Purpose.ADOPT:
        return
    if slots.get(con, lock_id, slot).lease is not None:
        _give_up(con, lock_id, takeover, "a code of this hub is in the slot by now", at)
        return
    match sighting.value:
        case Held(pin=Pin() as pin):
            takeovers.drop(con, lock_id, slot)
            _adopt(con, lock_id, takeover, pin, seal, at)
        case Unknown():
            return
        case Empty():
            _give_up(con, lock_id, takeover, "the slot is empty by now", at)
        case _:
            _give_up(con, lock_id, takeover, "the lock does not show the PIN: give it with the order", at)


def give_up_all(con: Connection, lock_id: LockId, cause: str, at: Instant) -> None:
    """No adoption that waits for a look at this lock can go through any more."""
    for takeover in takeovers.of_lock(con, lock_id).values():
        if takeover.purpose is Purpose.ADOPT:
            _give_up(con, lock_id, takeover, cause, at)


def give_up(con: Connection, code_id: CodeId, at: Instant) -> None:
    """The code that an adoption is to make was deleted before it was made: the stranger's code stays a stranger's."""
    waiting = takeovers.adoption(con, code_id)
    if waiting is not None:
        lock_id, takeover = waiting
        _give_up(con, lock_id, takeover, "the access code was deleted before its PIN was read", at)


def finished(con: Connection, code: CodeId, lock_id: LockId, at: Instant) -> None:
    """A code is proven gone: if somebody asked for an unmanaged one to go, this was it."""
    for takeover in takeovers.of_lock(con, lock_id).values():
        if takeover.code_id == code:
            takeovers.drop(con, lock_id, takeover.slot)
            body: dict[str, Fact] = {"slot": int(takeover.slot)}
            _tell(con, EventKind.UNMANAGED_REMOVED, lock_id, takeover, body, at)


def _check_slot(con: Connection, lock_id: LockId, slot: Slot) -> Rejection | None:
    record = slots.get(con, lock_id, slot)
    if record.lease is not None or record.sighted not in OCCUPIED:
        message = "no unmanaged code is known in that slot: list the unmanaged codes of the lock"
        return Rejection(RejectionReason.ACCESS_CODE_NOT_FOUND, "slot", message)
    if slot in takeovers.of_lock(con, lock_id):
        return Rejection(
            RejectionReason.ALREADY_EXISTS, "slot", "an order for that slot is under way: wait for its end"
        )
    return None


def _adopt(con: Connection, lock_id: LockId, takeover: Takeover, pin: Pin, seal: PinSeal, at: Instant) -> None:
    code = _code(lock_id, takeover, seal.digest(pin), at)
    record = slots.get(con, lock_id, takeover.slot)
    give_way(con, code, pin, seal, at)
    codes.put(con, code, seal.seal(pin, lock_id, takeover.code_id))
    slots.put(con, lock_id, adopted(record, takeover.code_id, code.digest))
    body: dict[str, Fact] = {"slot": int(takeover.slot), "generation": FIRST_GENERATION}
    _tell(con, EventKind.UNMANAGED_CONVERTED, lock_id, takeover, body, at)


def _give_up(con: Connection, lock_id: LockId, takeover: Takeover, cause: str, at: Instant) -> None:
    takeovers.drop(con, lock_id, takeover.slot)
    inbox.close(con, takeover.command_id, inbox.Final.FAILED)
    body: dict[str, Fact] = {"slot": int(takeover.slot), "cause": cause}
    _tell(con, EventKind.UNMANAGED_NOT_CONVERTED, lock_id, takeover, body, at)
    failed: dict[str, Fact] = {"reason": "failed_to_convert", "generation": FIRST_GENERATION}
    _tell(con, EventKind.COMMAND_FAILED, lock_id, takeover, body | failed, at)


def _tell(
    con: Connection, kind: EventKind, lock_id: LockId, takeover: Takeover, body: Mapping[str, Fact], at: Instant
) -> None:
    is_answer = kind is EventKind.COMMAND_FAILED
    command_id = takeover.command_id if is_answer else None
    journal.append(con, Event(kind, lock_id, takeover.code_id, command_id, takeover.origin, body), at)


def _takeover(wish: ConvertUnmanaged, order: Order, at: Instant) -> Takeover:
    window = Window(wish.starts_at, wish.ends_at)
    return Takeover(wish.slot, wish.code_id, order.command_id, order.origin, Purpose.ADOPT, wish.name, window, at)


def _code(
    lock_id: LockId, takeover: Takeover, digest: PinDigest, at: Instant, *, deleted_at: Instant | None = None
) -> AccessCode:
    return AccessCode(
        code_id=takeover.code_id,
        lock_id=lock_id,
        name=takeover.name,
        digest=digest,
        window=takeover.window,
        generation=FIRST_GENERATION,
        created_at=at,
        accepted_at=at,
        deleted_at=deleted_at,
        origin=takeover.origin,
    )
