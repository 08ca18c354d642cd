"""What is kept about the hub's own time, and what hangs on it (T1 to T3). Written by fleet's keeper of the time."""

import json
from dataclasses import astuple
from typing import cast

from gateway.model.clock import ClockAnchor
from gateway.model.instant import Instant
from gateway.store import facts
from gateway.store.database import Connection

_UNTRUSTED_SINCE = "clock.untrusted_since_ms"
_TOLD = "clock.told"
_ANCHOR = "clock.anchor"


def untrusted_since(con: Connection) -> Instant | None:
    """What `lo` was when time was lost, over all restarts since; None while time is known (T2)."""
    kept = facts.read(con, _UNTRUSTED_SINCE)
    return None if not kept else Instant(int(kept))


def set_untrusted_since(con: Connection, at: Instant | None) -> None:
    """Keep it, or take it away; writes nothing when it is so already."""
    if untrusted_since(con) != at:
        facts.write(con, _UNTRUSTED_SINCE, "" if at is None else str(at))


def anchor(con: Connection) -> ClockAnchor | None:
    """What the last process knew of the time, for another one of the same boot (T3)."""
    kept = facts.read(con, _ANCHOR)
    return None if kept is None else ClockAnchor(*json.loads(kept))


def set_anchor(con: Connection, at: ClockAnchor) -> None:
    """Keep it in place of the one before."""
    facts.write(con, _ANCHOR, json.dumps(astuple(at)))


def told(con: Connection) -> str:
    """The alarm about the hub's time that was told last; empty when all is well."""
    return facts.read(con, _TOLD) or ""


def set_told(con: Connection, word: str) -> None:
    """Remember what was told, in the transaction of the event that tells it."""
    facts.write(con, _TOLD, word)


def on_locks(con: Connection) -> int:
    """How many codes hold a slot on any lock."""
    return _count(con, "SELECT count(*) FROM slot WHERE lease IS NOT NULL", ())


def ending_between(con: Connection, after: Instant, until: Instant) -> int:
    """How many codes on locks a step of time from `after` to `until` would end (T3)."""
    sql = """SELECT count(*) FROM access_code JOIN slot ON slot.lease = access_code.code_id
             WHERE finished_at_ms IS NULL AND ends_at_ms > ? AND ends_at_ms <= ?"""
    return _count(con, sql, (after, until))


def bound_on_locks(con: Connection) -> int:
    """How many codes on locks have an end that the hub itself must keep (T2): no proven window does it."""
    sql = """SELECT count(*) FROM access_code JOIN slot ON slot.lease = access_code.code_id
             WHERE finished_at_ms IS NULL AND ends_at_ms IS NOT NULL AND effective_ends_at_ms IS NULL"""
    return _count(con, sql, ())


def _count(con: Connection, sql: str, parameters: tuple[int, ...]) -> int:
    row = con.execute(sql, parameters).fetchone()
    return 0 if row is None else cast("int", row[0])
