"""Requests for codes of others that are not done yet (A14)."""

from collections.abc import Mapping
from typing import cast

from gateway.model.access_code import Origin
from gateway.model.ids import CodeId, CommandId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.unmanaged import Purpose, Takeover
from gateway.model.window import Window
from gateway.store.database import Connection, Row

_COLUMNS = "slot, code_id, command_id, origin, purpose, name, starts_at_ms, ends_at_ms, ordered_at_ms"


def add(con: Connection, lock_id: LockId, wish: Takeover) -> None:
    """Keep a request. Raises the database's own error when the slot has one already."""
    con.execute(
        f"INSERT INTO takeover (lock_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            lock_id,
            wish.slot,
            wish.code_id,
            wish.command_id,
            wish.origin.value,
            wish.purpose.value,
            wish.name,
            wish.window.starts_at,
            wish.window.ends_at,
            wish.ordered_at,
        ),
    )


def of_lock(con: Connection, lock_id: LockId) -> Mapping[Slot, Takeover]:
    """The requests for slots of one lock."""
    rows = con.execute(f"SELECT {_COLUMNS} FROM takeover WHERE lock_id = ? ORDER BY slot", (lock_id,))
    return {wish.slot: wish for wish in map(_takeover, rows)}


def is_asked_for(con: Connection, code_id: CodeId) -> bool:
    """Whether a request that is not done yet will make a code with this id."""
    return con.execute("SELECT 1 FROM takeover WHERE code_id = ?", (code_id,)).fetchone() is not None


def adoption(con: Connection, code_id: CodeId) -> tuple[LockId, Takeover] | None:
    """The lock and the request that will make a code with this id, while it is not done."""
    row = con.execute(
        f"SELECT lock_id, {_COLUMNS} FROM takeover WHERE code_id = ? AND purpose = ?", (code_id, Purpose.ADOPT.value)
    ).fetchone()
    return None if row is None else (LockId(str(row[0])), _takeover(row[1:]))


def drop(con: Connection, lock_id: LockId, slot: Slot) -> None:
    """The request is done, or came to nothing."""
    con.execute("DELETE FROM takeover WHERE lock_id = ? AND slot = ?", (lock_id, slot))


def _takeover(row: Row) -> Takeover:
    slot, code_id, command_id, origin, purpose, name, starts_at, ends_at, ordered_at = row
    return Takeover(
        slot=Slot(cast("int", slot)),
        code_id=CodeId(str(code_id)),
        command_id=CommandId(str(command_id)),
        origin=Origin(str(origin)),
        purpose=Purpose(str(purpose)),
        name=str(name),
        window=Window(_instant(starts_at), _instant(ends_at)),
        ordered_at=Instant(cast("int", ordered_at)),
    )


def _instant(value: object) -> Instant | None:
    return None if value is None else Instant(cast("int", value))
