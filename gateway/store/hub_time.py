"""What is kept about the hub's own time, and what hangs on it (T1 to T3). Written by fleet's keeper of the time."""

import json
from dataclasses import astuple
from typing import cast

from gateway.model.clock import ClockAnchor
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.model.lock import ScheduleTrust
from gateway.model.lock_clock import ClockState
from gateway.store import facts, lock_time, locks
from gateway.store.database import Connection

EARLIEST_MARK = Instant(1_767_225_600_000)
"""2026-01-01T00:00:00Z. The program's first commit is of November 2026, so no hub ever knew an earlier time. A mark below this is
the uptime of a hub that nobody told the time yet, counted from 1970 (T1)."""

_UNTRUSTED_SINCE = "clock.untrusted_since_ms"
_TOLD = "clock.told"
_ANCHOR = "clock.anchor"


def was_ever_known(lo: Instant) -> bool:
    """Whether this hub ever knew the time, by what it holds for surely passed: a new database begins at 1970 (T1)."""
    return lo >= EARLIEST_MARK


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


def stays_ending_between(con: Connection, after: Instant, until: Instant) -> int:
    """How many codes such a step would end in all: those that wait for their start, too, which then never open a door."""
    sql = """SELECT count(*) FROM access_code
             WHERE finished_at_ms IS NULL AND deleted_at_ms IS NULL AND ends_at_ms > ? AND ends_at_ms <= ?"""
    return _count(con, sql, (after, until))


def bound_on_locks(con: Connection) -> int:
    """How many codes on locks have an end that the hub itself must keep (T2): no proven window does it.

    A window that a lock merely claims to keep counts for nothing here, as with the planner, who takes such a code off (A2).
    """
    sql = """SELECT slot.lock_id, count(*), count(effective_ends_at_ms)
             FROM access_code JOIN slot ON slot.lease = access_code.code_id
             WHERE finished_at_ms IS NULL AND ends_at_ms IS NOT NULL GROUP BY slot.lock_id"""
    found = [
        (LockId(str(lock_id)), cast("int", ends), cast("int", windows)) for lock_id, ends, windows in con.execute(sql)
    ]
    return sum(ends - windows if windows and _keeps_windows(con, lock_id) else ends for lock_id, ends, windows in found)


def bound_waiting(con: Connection) -> int:
    """How many codes with an end wait for their start: none of them comes on while the time is not known (T2)."""
    sql = """SELECT count(*) FROM access_code WHERE finished_at_ms IS NULL AND deleted_at_ms IS NULL AND ends_at_ms IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM slot WHERE slot.lease = access_code.code_id)"""
    return _count(con, sql, ())


def _keeps_windows(con: Connection, lock_id: LockId) -> bool:
    """Whether a lock provably enforces the windows on it: proven by its profile or at its door, and its clock not wrong (A2, T4)."""
    row, time = locks.get(con, lock_id), lock_time.get(con, lock_id)
    schedule = None if row is None else time.judging(row.profile).schedule
    is_proven = schedule is not None and schedule.enforced is ScheduleTrust.PROVEN
    return is_proven and time.clock.state is not ClockState.WRONG


def _count(con: Connection, sql: str, parameters: tuple[int, ...]) -> int:
    row = con.execute(sql, parameters).fetchone()
    return 0 if row is None else cast("int", row[0])
