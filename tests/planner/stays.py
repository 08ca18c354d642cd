"""A stay ahead at one lock, and what the planner makes of it at an instant."""

from dataclasses import replace

from gateway.model import ledger
from gateway.model.access_code import AccessCode
from gateway.model.answers import Written
from gateway.model.clock import ClockTrust
from gateway.model.evidence import Evidence
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSnapshot
from gateway.model.window import Window
from gateway.planner.plan import Plan, plan
from tests.builders import NOON, make_code, make_profile, make_snapshot, reading, slot

START = Instant(NOON + 10 * DAY_MS)
END = Instant(START + 2 * DAY_MS)
STAY = Window(START, END)
PRELOAD_AT = Instant(START - 72 * HOUR_MS)
PROVEN = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.PROVEN)
CLAIMED = replace(PROVEN, enforced=ScheduleTrust.CLAIMED)
EMPTY = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_at=Instant(START - 4 * DAY_MS))


def stay(*, pin: str = "2580", generation: int = 1, window: Window = STAY) -> AccessCode:
    return make_code(pin=pin, starts_at=window.starts_at, ends_at=window.ends_at, generation=generation)


def scene(code: AccessCode, record: SlotRecord = EMPTY, *, schedule: Schedule | None = PROVEN) -> LockSnapshot:
    """A lock that was listed, with a clock that was seen right whenever anybody looks."""
    clock = LockClock(ClockState.GOOD, Instant(START - DAY_MS), 0)
    listed = make_snapshot(code, slots=[record], profile=make_profile(schedule=schedule))
    return replace(listed, clock=clock)


def at(snapshot: LockSnapshot, now: Instant, trust: ClockTrust = ClockTrust.TRUSTED) -> Plan:
    """The plan at an instant; the lock's clock was checked just before."""
    clock = snapshot.clock
    if clock.state is ClockState.GOOD:
        snapshot = replace(snapshot, clock=replace(clock, checked_at=now))
    return plan(snapshot, reading(now, trust))


def written(code: AccessCode, window: Window | None = STAY, when: Instant = PRELOAD_AT) -> SlotRecord:
    """A slot that was written with its window, proven."""
    record = ledger.intend_write(EMPTY, code.code_id, code.digest, when, window)
    return ledger.ended(record, Written(Evidence.SUPERVISED, window), when, 1, supervision_is_honest=True)
