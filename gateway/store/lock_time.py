"""LOCK TIME: a lock's clock, the proof that it keeps windows, and what its link costs (T4, A2, A4). Written by fleet."""

from dataclasses import dataclass, replace
from typing import cast

from gateway.model.ids import CodeId, LockId
from gateway.model.instant import Instant
from gateway.model.link import UNMEASURED, Link
from gateway.model.lock import LockProfile
from gateway.model.lock_clock import NEVER_CHECKED, ClockState, LockClock
from gateway.store import facts, rows
from gateway.store.database import Connection, Row, Value

_TRIAL = "native.trial."
_DISPROVED = "native.disproved_ms."


@dataclass(frozen=True, slots=True)
class LockTime:
    """One row; of a lock that nothing was ever noted about, all of it is unknown."""

    clock: LockClock = NEVER_CHECKED
    native_proven_at: Instant | None = None
    link: Link = UNMEASURED
    native_disproved_at: Instant | None = None

    def judging(self, profile: LockProfile) -> LockProfile:
        """The lock's profile with what this very lock was seen to do with windows (A2)."""
        if self.native_disproved_at is not None:
            return profile.with_doubted_schedule()
        return profile if self.native_proven_at is None else profile.with_proven_schedule()


def get(con: Connection, lock_id: LockId) -> LockTime:
    """What is known of a lock."""
    row = con.execute(
        """SELECT clock_state, clock_checked_at_ms, clock_offset_ms, clock_tries, clock_next_try_at_ms, native_proven_at_ms,
           link_calls, link_failures, write_ms, write_spread_ms FROM lock_time WHERE lock_id = ?""",
        (lock_id,),
    ).fetchone()
    found = LockTime() if row is None else _lock_time(row)
    disproved = facts.read(con, _DISPROVED + lock_id)
    return found if not disproved else replace(found, native_disproved_at=Instant(int(disproved)))


def put_clock(con: Connection, lock_id: LockId, clock: LockClock) -> None:
    """Keep what a check told."""
    _set(
        con,
        lock_id,
        clock_state=clock.state.value,
        clock_checked_at_ms=clock.checked_at,
        clock_offset_ms=clock.offset_ms,
        clock_tries=clock.tries,
        clock_next_try_at_ms=clock.next_try_at,
    )


def put_link(con: Connection, lock_id: LockId, link: Link) -> None:
    """Keep what the link was measured to cost."""
    _set(
        con,
        lock_id,
        link_calls=link.calls,
        link_failures=link.failures,
        write_ms=link.write_ms,
        write_spread_ms=link.spread_ms,
    )


def set_native_proven(con: Connection, lock_id: LockId, at: Instant) -> None:
    """Keep that this very lock was seen to keep a window (A2); whatever spoke against it before is over."""
    _set(con, lock_id, native_proven_at_ms=at)
    facts.write(con, _DISPROVED + lock_id, "")


def set_native_disproved(con: Connection, lock_id: LockId, at: Instant) -> None:
    """Keep that this very lock was seen to open outside a window: no table of makes and models is believed any more (A2)."""
    _set(con, lock_id, native_proven_at_ms=None)
    facts.write(con, _DISPROVED + lock_id, str(at))


def trial(con: Connection, lock_id: LockId) -> CodeId | None:
    """The code of the check of this lock's windows that a person is just making (A2)."""
    kept = facts.read(con, _TRIAL + lock_id)
    return None if not kept else CodeId(kept)


def set_trial(con: Connection, lock_id: LockId, code_id: CodeId | None) -> None:
    """Begin, or (None) end, a check of the lock's windows."""
    facts.write(con, _TRIAL + lock_id, code_id or "")


def forget(con: Connection, lock_id: LockId, *, is_another: bool) -> None:
    """Nothing of this is known any more: what one device was seen to do says nothing of another (A2, A17).

    Unless `is_another`, it may yet be the same one: that it was seen to open outside a window is not forgotten.
    """
    con.execute("DELETE FROM lock_time WHERE lock_id = ?", (lock_id,))
    for name in (_TRIAL, _DISPROVED) if is_another else (_TRIAL,):
        facts.forget(con, name + lock_id)


def _set(con: Connection, lock_id: LockId, **columns: Value) -> None:
    rows.keep(con, "lock_time", {"lock_id": lock_id}, columns)


def _lock_time(row: Row) -> LockTime:
    state, checked_at, offset_ms, tries, next_try_at, proven_at, calls, failures, write_ms, spread_ms = row
    clock = LockClock(
        state=ClockState(str(state)),
        checked_at=_instant(checked_at),
        offset_ms=None if offset_ms is None else cast("int", offset_ms),
        tries=cast("int", tries),
        next_try_at=_instant(next_try_at),
    )
    link = Link(cast("int", calls), cast("int", failures), cast("int", write_ms), cast("int", spread_ms))
    return LockTime(clock, _instant(proven_at), link)


def _instant(value: object) -> Instant | None:
    return None if value is None else Instant(cast("int", value))
