"""Orders that are carried out in the books alone: a pull, a drawn PIN, the pool's switch, requests for unmanaged codes.

A deed is worked out first and changes nothing then; what it does follows its acceptance, so that the events stand in the
order in which things happened. A PIN goes with the answer only, and never into the journal (A6, N1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from gateway.model.commands import Order, Rejection, RejectionReason
from gateway.model.events import Event, EventKind, Fact
from gateway.model.ids import CodeId, EventSeq, LockId
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    GenerateCode,
    ListUnmanaged,
    PoolCommand,
    PullBackupCode,
    UpdateDevice,
)
from gateway.orders import pool as pools
from gateway.orders import unmanaged
from gateway.orders.desk import Desk
from gateway.orders.draw import draw_free
from gateway.orders.rules import check_lock
from gateway.store import answers, codes, inbox, journal, pairing, pool
from gateway.store.database import Connection


def _nothing() -> None:
    """What an order does that only asks."""


@dataclass(frozen=True, slots=True)
class Deed:
    """An accepted order, worked out. `answer` is the body of its acceptance, `pin` goes with it.

    `do` is what it changes. An order that is not `is_applied` at once ends later, by what happens at the lock.
    """

    lock_id: LockId
    code_id: CodeId | None = None
    generation: int | None = None
    answer: Mapping[str, Fact] = field(default_factory=dict)
    pin: Pin | None = field(default=None, repr=False)
    do: Callable[[], None] = _nothing
    is_applied: bool = True


def decide(con: Connection, command: PoolCommand, order: Order, desk: Desk, at: Instant) -> Deed | Rejection:
    """Work an order out; nothing is changed yet."""
    if not isinstance(command, PullBackupCode) and (wrong := check_lock(command.lock_id, desk.hub)) is not None:
        return wrong
    match command:
        case PullBackupCode():
            return _pull(con, command, order, desk, at)
        case GenerateCode():
            return _generate(con, command, desk)
        case UpdateDevice(lock_id=lock_id, is_pool_on=is_on):
            answer: dict[str, Fact] = {"backup_access_code_pool_enabled": is_on}
            return Deed(lock_id, answer=answer, do=lambda: pool.turn(con, lock_id, is_on=is_on))
        case ListUnmanaged(lock_id=lock_id):
            return Deed(lock_id, answer={"unmanaged_access_codes": unmanaged.listed(con, lock_id)})
        case ConvertUnmanaged():
            return unmanaged.may_convert(con, command, order, desk, at) or Deed(
                command.lock_id,
                command.code_id,
                1,
                do=lambda: unmanaged.convert(con, command, order, desk.seal, at),
                is_applied=False,
            )
        case DeleteUnmanaged():
            code_id = pools.draw_id(desk.entropy)
            return unmanaged.may_delete(con, command) or Deed(
                command.lock_id,
                code_id,
                1,
                do=lambda: unmanaged.delete(con, command, code_id, order, desk.entropy, at),
                is_applied=False,
            )
    assert_never(command)


def _generate(con: Connection, wish: GenerateCode, desk: Desk) -> Deed | Rejection:
    pin = draw_free(con, wish.lock_id, desk.seal, desk.entropy)
    if pin is None:
        return Rejection(RejectionReason.INVALID_INPUT, "device_id", "no free PIN was found for this lock")
    return Deed(wish.lock_id, pin=pin)


def _pull(con: Connection, wish: PullBackupCode, order: Order, desk: Desk, at: Instant) -> Deed | Rejection:
    original = codes.get(con, wish.code_id)
    if original is None or original.is_deleted or pool.get(con, wish.code_id) is not None:
        message = "no such access code, or it was deleted, or is a backup itself"
        return Rejection(RejectionReason.ACCESS_CODE_NOT_FOUND, "access_code_id", message)
    if (wrong := check_lock(original.lock_id, desk.hub, "access_code_id")) is not None:
        return wrong
    refusal = pools.may_pull(original, at, desk.lead_ms(con, original.lock_id), is_forced=wish.is_forced)
    if refusal is not None:
        return refusal
    given = pools.standing_in(con, wish.code_id)
    spare = pools.find_spare(con, original.lock_id) if given is None else None
    backup = given if spare is None else codes.get(con, spare)
    if backup is None or pairing.is_quarantined(con, original.lock_id):
        message = "no backup of this lock is proven to be on it"
        return Rejection(RejectionReason.NO_BACKUP, "access_code_id", message)
    sealed = codes.sealed_pin(con, backup.code_id)
    assert sealed is not None, "a living code has a sealed PIN"

    def give() -> None:
        if given is None:
            pools.pull(con, original.code_id, backup.code_id, pools.Asker(order.origin, order.command_id), at)

    return Deed(
        original.lock_id,
        original.code_id,
        original.generation,
        answer={"backup_access_code_id": backup.code_id, "generation": original.generation},
        pin=desk.seal.open(sealed, backup.lock_id, backup.code_id),
        do=give,
    )


def store(con: Connection, order: Order, deed: Deed, desk: Desk, at: Instant) -> None:
    """Keep the order with its answer, then do it."""

    def tell(kind: EventKind, body: Mapping[str, Fact]) -> EventSeq:
        event = Event(kind, deed.lock_id, deed.code_id, order.command_id, order.origin, body)
        return journal.append(con, event, at)

    tell(EventKind.COMMAND_RECEIVED, {})
    row = inbox.CommandRow(
        order.command_id,
        order.kind,
        order.origin.value,
        order.body_digest,
        at,
        "{}",
        deed.code_id,
        deed.lock_id,
        deed.generation,
        inbox.Final.APPLIED if deed.is_applied else None,
    )
    inbox.add(con, row)
    answers.attach(con, order, tell(EventKind.COMMAND_ACCEPTED, deed.answer), deed.lock_id, deed.pin, desk.seal)
    deed.do()
    if deed.is_applied:
        tell(EventKind.COMMAND_APPLIED, {})
