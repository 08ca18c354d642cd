"""INBOX: orders and their answers. The id alone makes an order idempotent (C1); one final answer each (C2).

Which orders wait for their final answer is kept with the connection, read once. No index leads to them: it would change with every
order and with every answer, a twelfth of all pages that a code's life writes (our measurement).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import Instant
from gateway.model.snapshot import OpenOrder
from gateway.store.database import Connection


class Final(StrEnum):
    """How an order ended."""

    REJECTED = "rejected"
    APPLIED = "applied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CommandRow:
    """An order as received. `answer` is the receipt as JSON text, without any PIN."""

    command_id: CommandId
    kind: str
    origin: str
    body_digest: bytes
    received_at: Instant
    answer: str
    code_id: CodeId | None = None
    lock_id: LockId | None = None
    generation: int | None = None
    final: Final | None = None


def get(con: Connection, command_id: CommandId) -> CommandRow | None:
    """The order with this id, or None when it is new."""
    row = con.execute(
        """SELECT kind, origin, body_digest, received_at_ms, answer, code_id, lock_id, generation, final
           FROM command WHERE command_id = ?""",
        (command_id,),
    ).fetchone()
    if row is None:
        return None
    return CommandRow(
        command_id=command_id,
        kind=str(row[0]),
        origin=str(row[1]),
        body_digest=cast("bytes", row[2]),
        received_at=Instant(cast("int", row[3])),
        answer=str(row[4]),
        code_id=None if row[5] is None else CodeId(str(row[5])),
        lock_id=None if row[6] is None else LockId(str(row[6])),
        generation=cast("int | None", row[7]),
        final=None if row[8] is None else Final(str(row[8])),
    )


def add(con: Connection, command: CommandRow) -> None:
    """Keep a new order. Raises the database's own error when the id is known."""
    opened = _open(con)
    con.execute(
        """INSERT INTO command (command_id, kind, origin, body_digest, received_at_ms, answer, code_id, lock_id, generation,
           final) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            command.command_id,
            command.kind,
            command.origin,
            command.body_digest,
            command.received_at,
            command.answer,
            command.code_id,
            command.lock_id,
            command.generation,
            None if command.final is None else command.final.value,
        ),
    )
    if command.final is None:
        order = _open_order(command.command_id, str(command.code_id), cast("int", command.generation), command.kind)
        opened.put(_Waiting(order, LockId(str(command.lock_id)), command.received_at))


def close(con: Connection, command_id: CommandId, final: Final) -> None:
    """Give an open order its one final answer. Raises `AssertionError` when it has one already (C2)."""
    closed = con.execute(
        "UPDATE command SET final = ? WHERE command_id = ? AND final IS NULL", (final.value, command_id)
    ).rowcount
    assert closed == 1, f"command {command_id} already has its final answer"
    _open(con).drop(command_id)


def open_orders(con: Connection, lock_id: LockId) -> tuple[OpenOrder, ...]:
    """Accepted orders of a lock that wait for their final answer, oldest first."""
    return _oldest_first(_open(con).of_lock.get(lock_id, {}).values())


def open_orders_of_code(con: Connection, code_id: CodeId) -> tuple[OpenOrder, ...]:
    """Accepted orders of a code that wait for their final answer, oldest first."""
    return _oldest_first(_open(con).of_code.get(code_id, {}).values())


@dataclass(frozen=True, slots=True)
class _Waiting:
    order: OpenOrder
    lock_id: LockId
    received_at: Instant


@dataclass(slots=True)
class _Open:
    """All orders without their final answer. A few, or thousands after weeks offline (C6): none is looked for one by one."""

    every: dict[CommandId, _Waiting] = field(default_factory=dict)
    of_lock: defaultdict[LockId, dict[CommandId, _Waiting]] = field(default_factory=lambda: defaultdict(dict))
    of_code: defaultdict[CodeId, dict[CommandId, _Waiting]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, waiting: _Waiting) -> None:
        order = waiting.order
        self.every[order.command_id] = waiting
        self.of_lock[waiting.lock_id][order.command_id] = waiting
        self.of_code[order.code_id][order.command_id] = waiting

    def drop(self, command_id: CommandId) -> None:
        waiting = self.every.pop(command_id)
        _drop(self.of_lock, waiting.lock_id, command_id)
        _drop(self.of_code, waiting.order.code_id, command_id)


def _drop[K](found: dict[K, dict[CommandId, _Waiting]], key: K, command_id: CommandId) -> None:
    del found[key][command_id]
    if not found[key]:
        del found[key]


_KEPT = "inbox.open"


def _open(con: Connection) -> _Open:
    kept = con.kept.get(_KEPT)
    if isinstance(kept, _Open):
        return kept
    con.kept[_KEPT] = read = _Open()
    rows = con.execute(
        "SELECT command_id, code_id, generation, kind, lock_id, received_at_ms FROM command WHERE final IS NULL"
    )
    for command_id, code_id, generation, kind, lock_id, received_at in rows:
        order = _open_order(str(command_id), str(code_id), cast("int", generation), str(kind))
        read.put(_Waiting(order, LockId(str(lock_id)), Instant(cast("int", received_at))))
    return read


def _oldest_first(waiting: Iterable[_Waiting]) -> tuple[OpenOrder, ...]:
    ordered = sorted(waiting, key=lambda each: (each.received_at, each.order.generation or 0, each.order.command_id))
    return tuple(each.order for each in ordered)


_DELETIONS = frozenset({"access_code.delete", "access_code.unmanaged.delete"})


def _open_order(command_id: str, code_id: str, generation: int, kind: str) -> OpenOrder:
    return OpenOrder(CommandId(command_id), CodeId(code_id), generation, is_delete=kind in _DELETIONS)
