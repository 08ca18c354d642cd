"""One order, one transaction: inbox row, change, and the first answers (C2, C3).

A repeated id answers as before and changes nothing, for ever: a window in time would fail after weeks offline. A second
order under the id of a first one, with another body, is refused and leaves the first untouched.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from gateway.model.access_code import AccessCode, Origin
from gateway.model.commands import (
    KEPT,
    CreateAccessCode,
    DeleteAccessCode,
    Kept,
    Order,
    Receipt,
    Reception,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, EventSeq, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.orders import deeds, leaving, unmanaged
from gateway.orders.changes import mutations, shown, tell_at_once
from gateway.orders.deeds import Deed
from gateway.orders.desk import Desk
from gateway.orders.draw import draw_free
from gateway.orders.pool import follow, give_way, part, rivals
from gateway.orders.relations import foreign_slot, related_rival, spares_like
from gateway.orders.rules import check_guest, check_lock, check_pin, check_window, foreign_rival, rival
from gateway.store import answers, codes, facts, inbox, journal, locks, pool, slots, takeovers
from gateway.store.database import Connection

__all__ = ["Desk", "affected", "receive"]

_EMPTY_WINDOW = Rejection(RejectionReason.INVALID_INPUT, "ends_at", "the window ends at or before its start")
_PIN_ERASED = Rejection(
    RejectionReason.INVALID_INPUT, "code", "the PIN of this ended code was erased: give one, or create a new code"
)


@dataclass(frozen=True, slots=True)
class _Change:
    """An accepted order, worked out: the code as it will be, its PIN if that is new, and what to tell.

    `is_guest` puts the backup pool behind the code or takes it away; None leaves that as it is (A12).
    """

    code: AccessCode
    pin: Pin | None
    kind: EventKind
    body: Mapping[str, Fact]
    drawn: bool = False
    is_guest: bool | None = None


def receive(con: Connection, order: Order, desk: Desk, at: Instant) -> Receipt:
    """Take one order. Never raises for what the order says; the receipt and the events tell."""
    known = inbox.get(con, order.command_id)
    if known is not None:
        return _repeated(known, order)
    outcome = _decide(con, order, desk, at)
    if isinstance(outcome, Rejection):
        return _reject(con, order, outcome, at)
    if isinstance(outcome, Deed):
        deeds.store(con, order, outcome, desk, at)
        return Receipt(
            Reception.ACCEPTED,
            lock_id=outcome.lock_id,
            code_id=outcome.code_id,
            generation=outcome.generation,
            drawn_pin=outcome.pin,
            answer=outcome.answer,
        )
    _store(con, order, outcome, desk, at)
    code = outcome.code
    if code.lock_id not in desk.hub.locks:  # a delete: no other order is taken for it
        leaving.finish_deleted(con, code.lock_id, at)
    return Receipt(
        Reception.ACCEPTED,
        lock_id=code.lock_id,
        code_id=code.code_id,
        generation=code.generation,
        drawn_pin=outcome.pin if outcome.drawn else None,
    )


def _repeated(known: inbox.CommandRow, order: Order) -> Receipt:
    if known.body_digest != order.body_digest:
        message = "this id was used for another order: every order needs an id of its own"
        return Receipt(Reception.REJECTED, Rejection(RejectionReason.INVALID_INPUT, "id", message))
    answer = json.loads(known.answer)
    rejection = None
    if known.final is inbox.Final.REJECTED:
        rejection = Rejection(RejectionReason(answer["reason"]), answer["field"], answer["message"])
    return Receipt(Reception.REPEATED, rejection, known.lock_id, known.code_id, known.generation)


def _decide(con: Connection, order: Order, desk: Desk, at: Instant) -> _Change | Deed | Rejection:
    command = order.command
    match command:
        case Rejection():
            return command
        case CreateAccessCode():
            return _create(con, command, order, desk, at)
        case UpdateAccessCode():
            return _update(con, command, order, desk, at)
        case DeleteAccessCode():
            return _delete(con, command, order, at)
        case _:
            return deeds.decide(con, command, order, desk, at)


def _create(con: Connection, wish: CreateAccessCode, order: Order, desk: Desk, at: Instant) -> _Change | Rejection:
    if (wrong := check_lock(wish.lock_id, desk.hub)) is not None:
        return wrong
    before = codes.get(con, wish.code_id)
    if before is not None and not (before.is_deleted and codes.is_finished(con, wish.code_id)):
        message = "an access code with this id exists: update it, or choose another id"
        return Rejection(RejectionReason.ALREADY_EXISTS, "access_code_id", message)
    if takeovers.is_asked_for(con, wish.code_id):
        message = "a code of somebody else is being taken over under this id: choose another id"
        return Rejection(RejectionReason.ALREADY_EXISTS, "access_code_id", message)
    # Whatever deleted it, or would have deleted it, was newer.
    floor = max(0 if before is None else before.generation, facts.overtaken(con, wish.code_id))
    generation = wish.generation if wish.generation is not None else floor + 1
    if generation <= floor:
        return _stale(floor)
    try:
        window = Window(wish.starts_at, wish.ends_at)
    except ValueError:
        return _EMPTY_WINDOW
    pin = wish.pin if wish.pin is not None else _draw(con, wish.lock_id, desk)
    if isinstance(pin, Rejection):
        return pin
    code = AccessCode(
        code_id=wish.code_id,
        lock_id=wish.lock_id,
        name=wish.name,
        digest=desk.seal.digest(pin),
        window=window,
        generation=generation,
        created_at=at,
        accepted_at=at,
        origin=order.origin,
        is_external_modification_allowed=wish.is_external_modification_allowed,
        prefer_native_scheduling=wish.prefer_native_scheduling,
        strict_start=wish.strict_start,
    )
    wrong = check_window(window, at) or check_guest(window, is_guest=wish.use_backup_pool)
    wrong = wrong or _check_code(con, code, pin, desk)
    if wrong is not None:
        return wrong
    is_drawn = wish.pin is None
    return _Change(code, pin, EventKind.CODE_CREATED, shown(code, desk), drawn=is_drawn, is_guest=wish.use_backup_pool)


def _update(con: Connection, wish: UpdateAccessCode, order: Order, desk: Desk, at: Instant) -> _Change | Rejection:
    before = codes.get(con, wish.code_id)
    if before is None or before.is_deleted:
        return _not_found()
    if (wrong := check_lock(before.lock_id, desk.hub, "access_code_id")) is not None:
        return wrong
    if pool.get(con, wish.code_id) is not None:
        message = "is a backup: it follows the code that it stands in for, update that one"
        return Rejection(RejectionReason.INVALID_INPUT, "access_code_id", message)
    generation = wish.generation if wish.generation is not None else before.generation + 1
    if generation <= before.generation:
        return _stale(before.generation)
    starts_at = before.window.starts_at if wish.starts_at is KEPT else wish.starts_at
    ends_at = before.window.ends_at if wish.ends_at is KEPT else wish.ends_at
    try:
        window = Window(_instant(starts_at), _instant(ends_at))
    except ValueError:
        return _EMPTY_WINDOW
    pin = None if isinstance(wish.pin, Kept) else wish.pin
    if pin is None and codes.sealed_pin(con, wish.code_id) is None:
        return _PIN_ERASED
    code = replace(
        before,
        name=before.name if isinstance(wish.name, Kept) else wish.name,
        digest=before.digest if pin is None else desk.seal.digest(pin),
        window=window,
        generation=generation,
        accepted_at=at,
        origin=order.origin,
        is_external_modification_allowed=_or_kept(
            wish.is_external_modification_allowed, before.is_external_modification_allowed
        ),
        prefer_native_scheduling=_or_kept(wish.prefer_native_scheduling, before.prefer_native_scheduling),
        strict_start=_or_kept(wish.strict_start, before.strict_start),
    )
    is_guest = None if isinstance(wish.use_backup_pool, Kept) else wish.use_backup_pool
    is_late = order.origin is Origin.CLOUD and _is_shortened(before.window, window)
    wrong = check_window(window, at, may_be_over=is_late) or check_guest(window, is_guest=is_guest or False)
    wrong = wrong or _check_code(con, code, pin, desk)
    if wrong is not None:
        return wrong
    asked: dict[str, Fact] = {"requested_mutations": mutations(before, code, desk)}
    return _Change(code, pin, EventKind.CODE_MUTATIONS_REQUESTED, asked, is_guest=is_guest)


def _is_shortened(before: Window, after: Window) -> bool:
    """Whether a stay ends earlier than it did. Such an order is never too late: the code goes as soon as it is heard (C1).

    From a person at the shell an end in the past is a slip of the hand, who hears of it at once.
    """
    return after.ends_at is not None and (before.ends_at is None or after.ends_at < before.ends_at)


def _delete(con: Connection, wish: DeleteAccessCode, order: Order, at: Instant) -> _Change | Rejection:
    before = codes.get(con, wish.code_id)
    if before is None or before.is_deleted:
        is_older = wish.generation is not None and wish.generation <= unmanaged.FIRST_GENERATION
        if is_older and takeovers.adoption(con, wish.code_id) is not None:
            return _stale(unmanaged.FIRST_GENERATION)
        return _not_found()
    generation = wish.generation if wish.generation is not None else before.generation + 1
    if generation <= before.generation:
        return _stale(before.generation)
    code = replace(before, generation=generation, accepted_at=at, deleted_at=at, origin=order.origin)
    return _Change(
        code, None, EventKind.CODE_MUTATIONS_REQUESTED, {"requested_mutations": [{"mutation_code": "deleting"}]}
    )


def _check_code(con: Connection, code: AccessCode, pin: Pin | None, desk: Desk) -> Rejection | None:
    row = locks.get(con, code.lock_id)
    if pin is not None and (wrong := check_pin(pin, row)) is not None:
        return wrong
    lead_ms = desk.lead_ms(con, code.lock_id)
    same_pin = rivals(con, code.lock_id, code.digest)
    equal = rival(code, same_pin, lead_ms) or foreign_rival(_foreign_slot(con, code, pin, desk))
    return equal or related_rival(con, code, pin, desk.seal, lead_ms)


def _may_return(con: Connection, code: AccessCode, desk: Desk) -> bool:
    """Whether a code that is off the lock can go back with the PIN that it had: no other code has it by now (A10)."""
    sealed = codes.sealed_pin(con, code.code_id)
    pin = None if sealed is None else desk.seal.open(sealed, code.lock_id, code.code_id)
    if pin is None or spares_like(con, code, pin, desk.seal):
        return False
    return _check_code(con, code, pin, desk) is None


def _foreign_slot(con: Connection, code: AccessCode, pin: Pin | None, desk: Desk) -> Slot | None:
    """Where a stranger's PIN clashes with the code's; an order that leaves the PIN as it is compares equal PINs only."""
    if pin is None:
        return slots.foreign_pins(con, code.lock_id).get(code.digest)
    return foreign_slot(con, code.lock_id, pin, desk.seal)


def _draw(con: Connection, lock_id: LockId, desk: Desk) -> Pin | Rejection:
    pin = draw_free(con, lock_id, desk.seal, desk.entropy)
    message = "no free PIN was found for this lock: give one with the order"
    return Rejection(RejectionReason.INVALID_INPUT, "code", message) if pin is None else pin


def _reject(con: Connection, order: Order, why: Rejection, at: Instant) -> Receipt:
    answer = json.dumps({"reason": why.reason.value, "field": why.field, "message": why.message})
    row = inbox.CommandRow(
        order.command_id, order.kind, order.origin.value, order.body_digest, at, answer, final=inbox.Final.REJECTED
    )
    inbox.add(con, row)
    body: dict[str, Fact] = {"reason": why.reason.value, "field": why.field, "message": why.message}
    if why.rival is not None:
        body["conflicting_access_code_id"] = why.rival
    for kind, told in ((EventKind.COMMAND_RECEIVED, dict[str, Fact]()), (EventKind.COMMAND_REJECTED, body)):
        about = _known_code(con, order)
        journal.append(con, Event(kind, None, about, order.command_id, order.origin, told), at)
    if isinstance(order.command, DeleteAccessCode) and why.reason is RejectionReason.ACCESS_CODE_NOT_FOUND:
        _forestall(con, order.command, at)
    return Receipt(Reception.REJECTED, why)


def _forestall(con: Connection, wish: DeleteAccessCode, at: Instant) -> None:
    """There is no code to delete: perhaps the order that makes it is still on its way, and must not make it then (C1)."""
    if wish.generation is not None:
        facts.overtake(con, wish.code_id, wish.generation)
    unmanaged.give_up(con, wish.code_id, at)


def _known_code(con: Connection, order: Order) -> CodeId | None:
    """The code that a refused order was about, when the hub knows it: its timeline tells of the refusal (A19)."""
    if isinstance(order.command, CreateAccessCode | UpdateAccessCode | DeleteAccessCode):
        code = codes.get(con, order.command.code_id)
        return None if code is None else code.code_id
    return None


def _store(con: Connection, order: Order, change: _Change, desk: Desk, at: Instant) -> None:
    code = change.code
    sealed = codes.sealed_pin(con, code.code_id) if change.pin is None else None
    if change.pin is not None:
        sealed = desk.seal.seal(change.pin, code.lock_id, code.code_id)
    assert sealed is not None or code.is_deleted, "a living code has a sealed PIN"

    def tell(kind: EventKind, body: Mapping[str, Fact]) -> EventSeq:
        event = Event(kind, code.lock_id, code.code_id, order.command_id, order.origin, body)
        return journal.append(con, event, at)

    before = codes.get(con, code.code_id)
    is_new = before is None or before.is_deleted
    begins_after_line = journal.last_line(con) if is_new else None
    tell(EventKind.COMMAND_RECEIVED, {})
    # A newer generation ends the older orders of its code (C2).
    for older in inbox.open_orders_of_code(con, code.code_id):
        inbox.close(con, older.command_id, inbox.Final.FAILED)
        body: dict[str, Fact] = {"reason": "superseded", "generation": older.generation}
        event = Event(EventKind.COMMAND_FAILED, code.lock_id, code.code_id, older.command_id, order.origin, body)
        journal.append(con, event, at)
    if not code.is_deleted and pool.get(con, code.code_id) is None:
        give_way(con, code, change.pin, desk.seal, at)
    codes.put(con, code, sealed, begins_after_line=begins_after_line)
    if code.is_deleted and pool.get(con, code.code_id) is not None:
        # A backup that is taken off by its own id stands in for nobody any more: its guest may be given another (A12).
        pool.untie(con, code.code_id)
    if before is not None and before.is_deleted:
        # Another code under the same id: the backup of the first one is not for its guest (A12).
        part(con, code.code_id, at)
    follow(con, code, at, partial(_may_return, con, desk=desk))
    if change.is_guest is not None:
        pool.enrol(con, code.code_id, is_guest=change.is_guest)
    if change.is_guest:
        pool.turn(con, code.lock_id, is_on=True)
    row = inbox.CommandRow(
        order.command_id,
        order.kind,
        order.origin.value,
        order.body_digest,
        at,
        json.dumps({"generation": code.generation}),
        code.code_id,
        code.lock_id,
        code.generation,
    )
    inbox.add(con, row)
    accepted = tell(EventKind.COMMAND_ACCEPTED, {"generation": code.generation})
    answers.attach(con, order, accepted, code.lock_id, change.pin if change.drawn else None, desk.seal)
    tell(change.kind, dict(change.body) | {"generation": code.generation})
    if before is not None and not code.is_deleted and not before.is_deleted:
        tell_at_once(con, before, code, order, desk, at)


def _or_kept(said: bool | Kept, before: bool) -> bool:
    return before if isinstance(said, Kept) else said


def _instant(value: Instant | Kept | None) -> Instant | None:
    assert not isinstance(value, Kept)
    return value


def _stale(have: int) -> Rejection:
    return Rejection(RejectionReason.STALE, "generation", f"must be above {have}, the generation that the hub has")


def _not_found() -> Rejection:
    return Rejection(RejectionReason.ACCESS_CODE_NOT_FOUND, "access_code_id", "no such access code, or it was deleted")


def affected(receipt: Receipt) -> tuple[LockId, CodeId] | None:
    """Whose bell to ring after the commit: lock and code of an order that changed something."""
    if receipt.reception is not Reception.ACCEPTED or receipt.lock_id is None or receipt.code_id is None:
        return None
    return receipt.lock_id, receipt.code_id
