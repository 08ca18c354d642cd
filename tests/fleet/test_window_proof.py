"""A lock that opens outside a window which it confirmed is not relied on for windows any more (A2)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.fleet import reports
from gateway.fleet.looks import Bench, look
from gateway.model import ledger
from gateway.model.answers import SightingSource, Written
from gateway.model.barrier import USE_SLACK_MS, Barrier
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import LockProfile, Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.reports import Method, Unlocked
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.model.window import Window
from gateway.planner.actions import ClearSlot
from gateway.store import codes, journal, lock_time, locks, slots, snapshot
from gateway.store.database import Connection, Database
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy, make_code, make_profile, reading, slot

KEYS = HubKeys.derive(b"s" * 32)
BENCH = Bench(FRONT, LockSettings(LEAD_MS), PinSeal(KEYS, SeededEntropy().token), SeededEntropy())
START = Instant(NOON + 2 * DAY_MS)
END = Instant(START + DAY_MS)
STAY = Window(START, END)
GUEST = make_code("guest", starts_at=START, ends_at=END)
PROVEN = make_profile(schedule=Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.PROVEN))
OPENED = Unlocked(Method.KEYCODE, slot(1))


def preloaded(window: Window | None = STAY) -> SlotRecord:
    empty = SlotRecord(slot(1), sighted=SightedAs.EMPTY, sighted_by=SightingSource.LOCK, sighted_at=NOON)
    record = ledger.intend_write(empty, GUEST.code_id, GUEST.digest, NOON, window)
    return ledger.ended(record, Written(Evidence.SUPERVISED, window), NOON, 1, supervision_is_honest=True)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as opened:
        yield opened


async def use(database: Database, now: ClockReading, record: SlotRecord, profile: LockProfile = PROVEN) -> list[str]:
    """The PIN opens the door; returns the events it makes."""

    def change(con: Connection) -> list[str]:
        locks.put_profile(con, FRONT, profile)
        locks.set_reachable(con, FRONT, NOON, is_reachable=True)
        locks.set_listed(con, FRONT, NOON)
        lock_time.put_clock(con, FRONT, LockClock(ClockState.GOOD, NOON, 0))
        codes.put(con, GUEST, b"sealed")
        slots.put(con, FRONT, record)
        before = journal.last_seq(con)
        reports.take(con, BENCH, OPENED, now)
        return [stored.event.kind for stored in journal.outbox(con, before, 100)]

    return await database.write(change)


async def trust(database: Database) -> ScheduleTrust:
    scene = await database.read(lambda con: snapshot.take(con, FRONT, BENCH.settings))
    assert scene is not None
    assert scene.profile.schedule is not None
    return scene.profile.schedule.enforced


async def test_a2_a_lock_that_opens_before_its_window_is_not_relied_on_and_gives_the_pin_back(
    database: Database,
) -> None:
    events = await use(database, reading(Instant(NOON + HOUR_MS)), preloaded())
    assert events.count(EventKind.DEVICE_WINDOW_NOT_KEPT) == 1
    assert await trust(database) is ScheduleTrust.CLAIMED
    found = await database.read(lambda con: planned(con, Instant(NOON + HOUR_MS)))
    assert found == {ClearSlot}
    again = await use(database, reading(Instant(NOON + 2 * HOUR_MS)), preloaded())
    assert EventKind.DEVICE_WINDOW_NOT_KEPT not in again


def planned(con: Connection, at: Instant) -> set[type]:
    found = look(con, BENCH, reading(at))
    assert found is not None
    return {type(action) for action in (found.plan.head, *found.plan.rest)}


async def test_a2_a_person_may_prove_the_lock_again(database: Database) -> None:
    await use(database, reading(Instant(NOON + HOUR_MS)), preloaded())
    await database.write(lambda con: lock_time.set_native_proven(con, FRONT, NOON))
    assert await trust(database) is ScheduleTrust.PROVEN


@pytest.mark.parametrize(
    ("lo", "hi", "is_disproved"),
    [
        (NOON, START - USE_SLACK_MS - 1, True),
        (NOON, START - USE_SLACK_MS, False),
        (START, START, False),
        (END + USE_SLACK_MS - 1, END + DAY_MS, False),
        (END + USE_SLACK_MS, END + DAY_MS, True),
    ],
)
def test_a2_only_a_use_surely_outside_the_window_speaks_against_the_lock(
    lo: int, hi: int, *, is_disproved: bool
) -> None:
    kept = Barrier(STAY, STAY, is_confirmed=True)
    assert kept.is_disproved(Instant(lo), Instant(hi)) is is_disproved
    for other in (replace(kept, is_confirmed=False), Barrier()):
        assert not other.is_disproved(Instant(lo), Instant(hi))


async def test_a2_a_use_says_nothing_while_nobody_knows_the_time_or_without_a_window(database: Database) -> None:
    early = Instant(NOON + HOUR_MS)
    await use(database, reading(early, ClockTrust.UNTRUSTED), preloaded())
    await use(database, reading(early), preloaded(window=None))
    assert await trust(database) is ScheduleTrust.PROVEN
