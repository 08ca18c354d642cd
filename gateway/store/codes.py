"""DESIRED: access codes as they were ordered, and what was announced about them."""

from functools import lru_cache
from typing import cast

from gateway.model.access_code import AccessCode, Origin
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.issues import Issue, Status
from gateway.model.pin import PinDigest
from gateway.model.snapshot import Announced
from gateway.model.window import Window
from gateway.store import rows
from gateway.store.database import Connection, Row, Value

_COLUMNS = """code_id, lock_id, name, pin_digest, starts_at_ms, ends_at_ms, generation, created_at_ms, accepted_at_ms,
    deleted_at_ms, origin, is_external_modification_allowed, prefer_native_scheduling, strict_start"""


ROWS_KEPT = 2048
"""Rows whose records are kept ready: a look reads all living codes of a lock and finds nearly all as they were. More than 50 locks
with 30 codes have, at about half a kilobyte each."""


def put(con: Connection, code: AccessCode, sealed: bytes | None, *, begins_after_line: int | None = None) -> None:
    """Store a new code, or a new generation of one. A code that had finished lives again.

    `sealed` is None once it was erased, and for somebody else's code that is taken off. `begins_after_line` is given for a new
    code, also for one under the id of a deleted one: its timeline begins after this line of the journal, and what is told of the
    id up to there is another guest's.
    """
    values: dict[str, Value] = {
        "lock_id": code.lock_id,
        "name": code.name,
        "pin_digest": code.digest,
        "starts_at_ms": code.window.starts_at,
        "ends_at_ms": code.window.ends_at,
        "generation": code.generation,
        "created_at_ms": code.created_at,
        "accepted_at_ms": code.accepted_at,
        "deleted_at_ms": code.deleted_at,
        "origin": code.origin.value,
        "is_external_modification_allowed": int(code.is_external_modification_allowed),
        "prefer_native_scheduling": int(code.prefer_native_scheduling),
        "strict_start": int(code.strict_start),
        "is_window_refused": 0,
        "pin_sealed": sealed,
        "finished_at_ms": None,
    }
    if begins_after_line is not None:
        values["begins_after_line"] = begins_after_line
    rows.keep(con, "access_code", {"code_id": code.code_id}, values)


def get(con: Connection, code_id: CodeId) -> AccessCode | None:
    """The code, finished or not; None when it was never ordered here."""
    row = con.execute(f"SELECT {_COLUMNS} FROM access_code WHERE code_id = ?", (code_id,)).fetchone()
    return None if row is None else _code(row)


def sealed_pin(con: Connection, code_id: CodeId) -> bytes | None:
    """The sealed PIN, or None once it was erased (A19)."""
    row = con.execute("SELECT pin_sealed FROM access_code WHERE code_id = ?", (code_id,)).fetchone()
    return None if row is None or row[0] is None else cast("bytes", row[0])


def unfinished(con: Connection, lock_id: LockId) -> tuple[AccessCode, ...]:
    """Codes of a lock that are not proven gone for good, ordered by id."""
    found = con.execute(
        f"SELECT {_COLUMNS} FROM access_code WHERE lock_id = ? AND finished_at_ms IS NULL ORDER BY code_id", (lock_id,)
    )
    return tuple(_code(row) for row in found)


def locks_in_use(con: Connection) -> tuple[LockId, ...]:
    """The locks that unfinished codes are for, whether they are this hub's or not."""
    found = con.execute("SELECT DISTINCT lock_id FROM access_code WHERE finished_at_ms IS NULL ORDER BY lock_id")
    return tuple(LockId(str(row[0])) for row in found)


def unfinished_with_pin(con: Connection, lock_id: LockId, digest: PinDigest) -> tuple[AccessCode, ...]:
    """Codes of a lock with this PIN that are not proven gone for good (A10)."""
    found = con.execute(
        f"SELECT {_COLUMNS} FROM access_code WHERE lock_id = ? AND finished_at_ms IS NULL AND pin_digest = ?",
        (lock_id, digest),
    )
    return tuple(_code(row) for row in found)


def all_codes(con: Connection, *, limit: int) -> tuple[AccessCode, ...]:
    """The newest `limit` codes of all locks, finished ones too, ordered by start."""
    found = con.execute(
        f"SELECT {_COLUMNS} FROM access_code ORDER BY finished_at_ms IS NOT NULL, created_at_ms DESC LIMIT ?", (limit,)
    )
    return tuple(_code(row) for row in found)


def is_finished(con: Connection, code_id: CodeId) -> bool:
    """Whether the code is proven gone and nothing is left to do for it."""
    row = con.execute("SELECT finished_at_ms FROM access_code WHERE code_id = ?", (code_id,)).fetchone()
    return row is not None and row[0] is not None


def finish(con: Connection, code_id: CodeId, at: Instant) -> None:
    """Mark a deleted or ended code as proven gone."""
    con.execute("UPDATE access_code SET finished_at_ms = ? WHERE code_id = ?", (at, code_id))


def bury(con: Connection, code_id: CodeId, at: Instant) -> None:
    """A code that is proven gone counts as deleted from now on: should its PIN turn up again (A18), it is nobody's."""
    con.execute("UPDATE access_code SET deleted_at_ms = ? WHERE code_id = ? AND deleted_at_ms IS NULL", (at, code_id))


def revive(con: Connection, code_id: CodeId, digest: PinDigest) -> None:
    """Take back that the code is gone: its PIN was used (A18). What was told is that this PIN is off the lock, wrongly."""
    con.execute(
        "UPDATE access_code SET finished_at_ms = NULL, announced_digest = ? WHERE code_id = ?", (digest, code_id)
    )


def announced(con: Connection, lock_id: LockId) -> dict[CodeId, Announced]:
    """What was last told about each unfinished code of a lock."""
    found = con.execute(
        """SELECT code_id, announced_status, announced_digest, announced_issues, announced_starts_at_ms, announced_ends_at_ms
           FROM access_code WHERE lock_id = ? AND finished_at_ms IS NULL""",
        (lock_id,),
    )
    return {CodeId(str(row[0])): _announced(row) for row in found}


def announce(con: Connection, code_id: CodeId, told: Announced) -> None:
    """Remember what was told; in the same transaction as the events that told it."""
    values: dict[str, Value] = {
        "announced_status": told.status.value,
        "announced_digest": told.digest,
        "announced_issues": " ".join(sorted(told.issues)),
        "announced_starts_at_ms": None if told.scheduled is None else told.scheduled.starts_at,
        "announced_ends_at_ms": None if told.scheduled is None else told.scheduled.ends_at,
    }
    rows.keep(con, "access_code", {"code_id": code_id}, values)


def refuse_window(con: Connection, code_id: CodeId) -> None:
    """The lock cannot keep this code's window: it is written just in time until it is ordered anew (A3)."""
    con.execute("UPDATE access_code SET is_window_refused = 1 WHERE code_id = ?", (code_id,))


def refused_windows(con: Connection, lock_id: LockId) -> frozenset[CodeId]:
    """Unfinished codes of a lock whose window it could not keep."""
    found = con.execute(
        "SELECT code_id FROM access_code WHERE lock_id = ? AND finished_at_ms IS NULL AND is_window_refused", (lock_id,)
    )
    return frozenset(CodeId(str(row[0])) for row in found)


@lru_cache(ROWS_KEPT)
def _announced(row: Row) -> Announced:
    _, status, digest, issues, starts_at, ends_at = row
    return Announced(
        status=Status(str(status)),
        digest=None if digest is None else PinDigest(cast("bytes", digest)),
        issues=frozenset(Issue(name) for name in str(issues).split()),
        scheduled=None if ends_at is None else Window(_instant(starts_at), _instant(ends_at)),
    )


@lru_cache(ROWS_KEPT)
def _code(row: Row) -> AccessCode:
    (
        code_id,
        lock_id,
        name,
        digest,
        starts,
        ends,
        generation,
        created,
        accepted,
        deleted,
        origin,
        external,
        native,
        strict,
    ) = row
    return AccessCode(
        code_id=CodeId(str(code_id)),
        lock_id=LockId(str(lock_id)),
        name=str(name),
        digest=PinDigest(cast("bytes", digest)),
        window=Window(_instant(starts), _instant(ends)),
        generation=cast("int", generation),
        created_at=Instant(cast("int", created)),
        accepted_at=Instant(cast("int", accepted)),
        deleted_at=_instant(deleted),
        origin=Origin(str(origin)),
        is_external_modification_allowed=bool(external),
        prefer_native_scheduling=bool(native),
        strict_start=bool(strict),
    )


def _instant(value: object) -> Instant | None:
    return None if value is None else Instant(cast("int", value))
