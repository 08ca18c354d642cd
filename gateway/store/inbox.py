"""INBOX: orders and their answers. The id alone makes an order idempotent (C1); one final answer each (C2)."""

from dataclasses import dataclass
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


def close(con: Connection, command_id: CommandId, final: Final) -> None:
    """Give an open order its one final answer. Raises `AssertionError` when it has one already (C2)."""
    closed = con.execute(
        "UPDATE command SET final = ? WHERE command_id = ? AND final IS NULL", (final.value, command_id)
    ).rowcount
    assert closed == 1, f"command {command_id} already has its final answer"


def open_orders(con: Connection, lock_id: LockId) -> tuple[OpenOrder, ...]:
    """Accepted orders of a lock that wait for their final answer, oldest first."""
    rows = con.execute(
        """SELECT command_id, code_id, generation, kind FROM command
           WHERE lock_id = ? AND final IS NULL ORDER BY received_at_ms, generation""",
        (lock_id,),
    )
    return tuple(_open(*row) for row in rows)


def open_orders_of_code(con: Connection, code_id: CodeId) -> tuple[OpenOrder, ...]:
    """Accepted orders of a code that wait for their final answer, oldest first."""
    rows = con.execute(
        """SELECT command_id, code_id, generation, kind FROM command
           WHERE code_id = ? AND final IS NULL ORDER BY received_at_ms, generation""",
        (code_id,),
    )
    return tuple(_open(*row) for row in rows)


_DELETIONS = frozenset({"access_code.delete", "access_code.unmanaged.delete"})


def _open(command_id: object, code_id: object, generation: object, kind: object) -> OpenOrder:
    return OpenOrder(
        CommandId(str(command_id)),
        CodeId(str(code_id)),
        cast("int", generation),
        is_delete=str(kind) in _DELETIONS,
    )
