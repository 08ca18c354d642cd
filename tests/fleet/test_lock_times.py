"""What calls and reports teach about a lock's clock and its link (T4, A4)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.fleet import lock_times, reports
from gateway.fleet.executor import NotSent, Result
from gateway.fleet.looks import Bench
from gateway.model.answers import Sighting, SightingSource, Unknown, Written
from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.events import EventKind
from gateway.model.evidence import Evidence
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock_clock import ClockSeen, ClockState
from gateway.model.pin import PinDigest
from gateway.model.reports import BatteryLevel
from gateway.model.snapshot import LockSettings
from gateway.planner.actions import CheckClock, ReadSlot, Reason, Urgency, WriteSlot
from gateway.store import journal, lock_time, locks
from gateway.store.database import Connection, Database
from gateway.store.lock_time import LockTime
from gateway.store.seal import HubKeys, PinSeal
from tests.builders import FRONT, NOON, SeededEntropy, make_code, make_profile, slot

KEYS = HubKeys.derive(b"s" * 32)
READ = ReadSlot(slot(1), None, Reason.FIND_FREE, NOON, Urgency.WRITE)
WRITE = WriteSlot(slot(1), make_code().code_id, PinDigest(bytes(16)), 1, Reason.WRITE, NOON)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", KEYS.page_key) as opened:
        await opened.write(lambda con: locks.put_profile(con, FRONT, make_profile()))
        yield opened


async def check(database: Database, *results: Result) -> tuple[LockTime, list[int]]:
    """The lock's time after these checks, and the offsets that were told."""

    def note(con: Connection) -> tuple[LockTime, list[int]]:
        for number, result in enumerate(results):
            lock_times.note_check(con, FRONT, result, Instant(NOON + number * HOUR_MS), 0.0)
        told = [stored.event for stored in journal.outbox(con, 0, 99)]
        offsets = [int(str(event.body["offset_ms"])) for event in told if event.kind is EventKind.DEVICE_CLOCK_WRONG]
        return lock_time.get(con, FRONT), offsets

    return await database.write(note)


async def test_t4_a_clock_that_was_never_set_is_set_without_a_word(database: Database) -> None:
    kept, told = await check(database, ClockSeen(-400 * HOUR_MS, 300))
    assert (kept.clock.state, kept.clock.checked_at, told) == (ClockState.GOOD, NOON, [])


async def test_t4_a_clock_found_off_again_is_told_and_one_that_takes_no_time_is_wrong(database: Database) -> None:
    kept, told = await check(database, ClockSeen(0), ClockSeen(2 * MINUTE_MS, 100), ClockSeen(HOUR_MS, HOUR_MS))
    assert kept.clock.state is ClockState.WRONG
    assert told == [2 * MINUTE_MS, HOUR_MS]


async def test_t4_a_lock_that_does_not_answer_is_asked_again_and_one_without_a_clock_is_not(database: Database) -> None:
    silent, _ = await check(database, NotSent(None, "asleep"))
    assert silent.clock.check_due_at(NOON) == NOON + 15_000
    none, _ = await check(database, ClockSeen(None))
    assert none.clock.check_due_at(NOON) is None


async def test_t4_new_batteries_put_the_clock_in_doubt_and_used_ones_do_not(database: Database) -> None:
    await check(database, ClockSeen(0))
    bench = Bench(FRONT, LockSettings(), PinSeal(KEYS, SeededEntropy().token), SeededEntropy())
    reading = ClockReading(NOON, NOON, ClockTrust.TRUSTED)
    states = []
    for percent in (60, 51, 60, 100):
        await database.write(lambda con, percent=percent: reports.take(con, bench, BatteryLevel(percent), reading))  # type: ignore[misc]
        states.append((await database.read(lambda con: lock_time.get(con, FRONT))).clock.state)
    assert states == [ClockState.GOOD, ClockState.GOOD, ClockState.GOOD, ClockState.UNCHECKED]


async def test_a4_failures_count_and_a_proven_write_is_measured(database: Database) -> None:
    def note(con: Connection) -> LockTime:
        lock_times.note_call(con, FRONT, READ, Sighting(Unknown(), SightingSource.LOCK), 90)
        lock_times.note_call(con, FRONT, WRITE, Written(Evidence.SUPERVISED), 1_200)
        lock_times.note_call(con, FRONT, CheckClock(Reason.CHECK_CLOCK, NOON), ClockSeen(0), 90)
        return lock_time.get(con, FRONT)

    link = (await database.write(note)).link
    assert (link.calls, link.failures, link.write_ms) == (2, 1, 1_200)
