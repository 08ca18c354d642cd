"""What calls teach about a lock's clock and its link, into the store; a clock found wrong is told (T4, A4)."""

from gateway.fleet.executor import NotSent, Result
from gateway.model.answers import Ambiguous, Refused, Sighting, Unknown, Written
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import Event, EventKind, Fact
from gateway.model.evidence import Evidence
from gateway.model.ids import LockId
from gateway.model.instant import Instant, format_instant
from gateway.model.lock_clock import WRONG_ABOVE_MS, ClockSeen, ClockState
from gateway.model.slot import SlotRecord
from gateway.planner.actions import Action, CheckClock, WriteSlot
from gateway.planner.backoff import wait_ms
from gateway.store import journal, lock_time
from gateway.store.database import Connection


def note_check(con: Connection, lock_id: LockId, result: Result, at: Instant, chance: float) -> None:
    """Keep what a check of the lock's clock told. `chance` in [0, 1) is the jitter of its repetition."""
    before = lock_time.get(con, lock_id).clock
    if not isinstance(result, ClockSeen):
        lock_time.put_clock(con, lock_id, before.unanswered(Instant(at + wait_ms(before.tries + 1, chance))))
        return
    if result.found_ms is None:
        lock_time.put_clock(con, lock_id, before.unreadable(at))
        return
    after = before.checked(result.found_ms, result.left_ms, at)
    lock_time.put_clock(con, lock_id, after)
    was_set_by_us = before.checked_at is not None and before.state is not ClockState.UNREADABLE
    is_surprise = was_set_by_us and abs(result.found_ms) > WRONG_ABOVE_MS
    if after.state is not before.state and after.state is ClockState.WRONG:
        journal.append(
            con, Event(EventKind.DEVICE_CLOCK_WRONG, lock_id, body={"offset_ms": result.left_ms, "is_set": False}), at
        )
    elif is_surprise and after.state is ClockState.GOOD:
        journal.append(
            con, Event(EventKind.DEVICE_CLOCK_WRONG, lock_id, body={"offset_ms": result.found_ms, "is_set": True}), at
        )


def doubt_clock(con: Connection, lock_id: LockId) -> None:
    """Something happened that may have put the lock's clock back, such as new batteries: it is asked at once (T4)."""
    clock = lock_time.get(con, lock_id).clock
    if clock.checked_at is not None and clock.state is not ClockState.UNREADABLE:
        lock_time.put_clock(con, lock_id, clock.doubted())


def note_use(con: Connection, lock_id: LockId, record: SlotRecord, reading: ClockReading) -> None:
    """A PIN opened the lock: outside the window that the lock confirmed, its windows are not relied on any more (A2).

    Its clock may be what is wrong, so it is asked at once. A person may prove the lock again at the door.
    """
    if reading.trust is ClockTrust.UNTRUSTED or not record.barrier.is_disproved(reading.lo, reading.hi):
        return
    doubt_clock(con, lock_id)
    if lock_time.get(con, lock_id).native_disproved_at is not None:
        return
    lock_time.set_native_disproved(con, lock_id, reading.lo)
    kept = record.barrier.effective
    body: dict[str, Fact] = {"slot": int(record.slot)}
    for name, edge in () if kept is None else (("opens_at", kept.starts_at), ("shuts_at", kept.ends_at)):
        body[name] = None if edge is None else format_instant(edge)
    journal.append(con, Event(EventKind.DEVICE_WINDOW_NOT_KEPT, lock_id, record.lease, body=body), reading.lo)


def note_call(con: Connection, lock_id: LockId, action: Action, result: Result, took_ms: int) -> None:
    """Count the call for the link's measure; a proven write tells how long one takes (A4, A5)."""
    before = lock_time.get(con, lock_id).link
    if isinstance(action, CheckClock) or isinstance(result, Refused):
        return
    after = before.called(failed=_is_failure(result))
    if isinstance(action, WriteSlot) and isinstance(result, Written) and result.evidence is not Evidence.ACKNOWLEDGED:
        after = after.wrote(took_ms)
    lock_time.put_link(con, lock_id, after)


def _is_failure(result: Result) -> bool:
    match result:
        case NotSent() | Ambiguous() | Sighting(value=Unknown()):
            return True
        case _:
            return False
