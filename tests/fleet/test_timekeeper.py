"""The keeper of the time: alarms once each, steps judged by what they would end (T2, T3)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.fleet.timekeeper import Timekeeper, is_suspect
from gateway.fleet.worker import House
from gateway.model import ledger
from gateway.model.answers import Written
from gateway.model.clock import ClockStep, ClockTrust
from gateway.model.evidence import Evidence
from gateway.model.ids import CodeId, LockId
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.lock import Schedule, ScheduleClock, ScheduleTrust
from gateway.model.lock_clock import ClockState, LockClock
from gateway.model.slot import SightedAs, SlotRecord
from gateway.model.snapshot import LockSettings
from gateway.model.window import Window
from gateway.nudge import Nudges, lock_bell
from gateway.planner.native import timing
from gateway.runtime.interval import IntervalClock, KeptTime
from gateway.store import codes, hub_time, journal, lock_time, locks, slots, snapshot
from gateway.store.database import Connection, Database
from tests.builders import FRONT, LEAD_MS, NOON, SeededEntropy, digest, make_code, make_profile, reading, slot

BACK = LockId("back-door")
END = Instant(NOON + 5 * HOUR_MS)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "hub.db", b"p" * 32) as opened:
        yield opened


BOOT = "boot-1"


class Machine:
    """A hub's clocks, moved by the test."""

    def __init__(self, *, is_heard: bool) -> None:
        self.wall: int = NOON
        self.up_s = 0.0
        self.is_heard = is_heard

    def wall_ms(self) -> int:
        return self.wall

    def uptime_s(self) -> float:
        return self.up_s

    def is_synced(self) -> bool:
        return self.is_heard

    def pass_time(self, span_ms: int) -> None:
        self.wall += span_ms
        self.up_s += span_ms / 1000


def house_of(database: Database, machine: Machine) -> House:
    return House(database, IntervalClock(machine, KeptTime(NOON), BOOT), SeededEntropy(), Nudges())


def occupy(con: Connection, count: int, end: Instant = END, *, starts_at: Instant | None = None) -> None:
    """So many proven codes on the lock, each with that end; those with a start under a window that the lock confirmed."""
    locks.put_profile(con, FRONT, make_profile(slots=30))
    window = None if starts_at is None else Window(starts_at, end)
    for number in range(1, count + 1):
        code = make_code(f"code-{number}", pin=f"{1000 + number}", starts_at=starts_at, ends_at=end)
        codes.put(con, code, b"sealed")
        slots.put(con, FRONT, placed(number, code.code_id, f"{1000 + number}", window))


def placed(number: int, code_id: CodeId, pin: str, window: Window | None) -> SlotRecord:
    """A slot where the lock confirmed a PIN, under that window if any."""
    empty = SlotRecord(slot(number), sighted=SightedAs.EMPTY, sighted_at=NOON)
    intended = ledger.intend_write(empty, code_id, digest(pin), NOON, window)
    return ledger.ended(intended, Written(Evidence.SUPERVISED, window), NOON, 1, supervision_is_honest=True)


async def told(database: Database) -> list[tuple[str, object]]:
    found = await database.read(lambda con: journal.outbox(con, 0, 100))
    return [(stored.event.kind.value, stored.event.body.get("stage")) for stored in found]


async def test_t2_an_alarm_at_once_two_hours_before_and_when_the_codes_leave_each_once(database: Database) -> None:
    machine = Machine(is_heard=False)
    house = house_of(database, machine)
    keeper = Timekeeper(house, 24 * HOUR_MS)
    await database.write(lambda con: occupy(con, 2))
    for hours in (0, 1, 20, 22, 23, 24, 30):
        machine.pass_time(hours * HOUR_MS + MINUTE_MS - int(machine.up_s * 1000))
        await keeper._look()
        await Timekeeper(house, 24 * HOUR_MS)._look()
    assert await told(database) == [
        ("hub.clock_unknown", "begun"),
        ("hub.clock_unknown", "codes_leave_soon"),
        ("hub.clock_unknown", "codes_off"),
    ]
    machine.is_heard = True
    await keeper._look()
    await keeper._look()
    assert (await told(database))[-1] == ("hub.clock_known", None)
    assert await database.read(hub_time.untrusted_since) is None


async def test_t1_sleeping_workers_are_rung_when_time_is_trusted_otherwise_or_has_stepped_and_only_then(
    database: Database,
) -> None:
    machine = Machine(is_heard=True)
    house = house_of(database, machine)
    bell, keeper = lock_bell(FRONT), Timekeeper(house, DAY_MS)

    async def is_rung() -> bool:
        await keeper._look()
        return await house.nudges.wait(bell, 0.0)

    assert not await is_rung()
    assert not await is_rung()
    machine.is_heard = False
    assert await is_rung()
    assert not await is_rung()
    machine.is_heard = True
    machine.wall += HOUR_MS
    assert [await is_rung() for _ in range(3)] == [True, True, False]  # when the step is taken, and when it is seen


async def test_t2_a_hub_without_codes_at_stake_alarms_nobody(database: Database) -> None:
    await Timekeeper(house_of(database, Machine(is_heard=False)), DAY_MS)._look()
    assert await told(database) == []


@pytest.mark.parametrize(
    ("enforced", "seen", "clock", "is_kept"),
    [
        (ScheduleTrust.PROVEN, None, ClockState.GOOD, True),
        (ScheduleTrust.CLAIMED, None, ClockState.GOOD, False),
        (ScheduleTrust.CLAIMED, lock_time.set_native_proven, ClockState.GOOD, True),
        (ScheduleTrust.PROVEN, lock_time.set_native_disproved, ClockState.GOOD, False),
        (ScheduleTrust.PROVEN, None, ClockState.WRONG, False),
    ],
)
async def test_t2_codes_are_at_stake_unless_their_lock_provably_keeps_their_windows(
    database: Database,
    *,
    enforced: ScheduleTrust,
    seen: Callable[[Connection, LockId, Instant], None] | None,
    clock: ClockState,
    is_kept: bool,
) -> None:
    settings = LockSettings(LEAD_MS)

    def judge(con: Connection) -> list[bool]:
        """What the planner makes of the same locks: whether each code stays whatever becomes of the time."""
        occupy(con, 2, starts_at=NOON)
        schedule = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, enforced)
        locks.put_profile(con, FRONT, make_profile(slots=30, schedule=schedule))
        lock_time.put_clock(con, FRONT, LockClock(clock, NOON, 0))
        if seen is not None:
            seen(con, FRONT, NOON)
        scene = snapshot.take(con, FRONT, settings)
        assert scene is not None
        records = {record.lease: record for record in scene.slots.values()}
        now = reading(NOON, ClockTrust.UNTRUSTED)
        return [timing(code, scene, now, records[code.code_id]).is_self_kept for code in scene.codes]

    assert await database.write(judge) == [is_kept, is_kept]
    await Timekeeper(house_of(database, Machine(is_heard=False)), DAY_MS)._look()
    assert await told(database) == ([] if is_kept else [("hub.clock_unknown", "begun")])
    assert await database.read(hub_time.bound_on_locks) == (0 if is_kept else 2)


async def test_t2_only_the_codes_of_the_lock_that_merely_claims_to_keep_windows_are_at_stake(
    database: Database,
) -> None:
    def two_locks(con: Connection) -> int:
        occupy(con, 2, starts_at=NOON)
        schedule = Schedule(MINUTE_MS, ScheduleClock.UTC, MINUTE_MS, None, ScheduleTrust.PROVEN)
        locks.put_profile(con, FRONT, make_profile(slots=30, schedule=schedule))
        claimed = replace(schedule, enforced=ScheduleTrust.CLAIMED)
        locks.put_profile(con, BACK, make_profile(slots=30, schedule=claimed))
        window = Window(NOON, END)
        code = replace(make_code("back", pin="2580", starts_at=NOON, ends_at=END), lock_id=BACK)
        codes.put(con, code, b"sealed")
        slots.put(con, BACK, placed(1, code.code_id, "2580", window))
        return hub_time.bound_on_locks(con)

    assert await database.write(two_locks) == 1


@pytest.mark.parametrize(
    ("step_ms", "ending", "others", "is_held"),
    [
        (6 * HOUR_MS, 4, 0, True),
        (6 * HOUR_MS, 3, 0, False),
        (6 * HOUR_MS, 4, 16, False),
        (6 * HOUR_MS, 4, 15, True),
        (DAY_MS, 0, 0, False),
        (DAY_MS + 1, 0, 0, True),
    ],
)
async def test_t3_a_step_is_held_by_what_it_would_end_and_by_its_length(
    database: Database, *, step_ms: int, ending: int, others: int, is_held: bool
) -> None:
    def judge(con: Connection) -> bool:
        occupy(con, ending + others, Instant(NOON + 9 * DAY_MS))
        for number in range(1, ending + 1):
            codes.put(con, make_code(f"code-{number}", pin=f"{1000 + number}", ends_at=END), b"sealed")
        return is_suspect(con, ClockStep(NOON, Instant(NOON + step_ms), NOON))

    assert await database.write(judge) is is_held


async def test_t3_a_held_step_is_told_and_a_harmless_one_is_taken_at_the_next_look(database: Database) -> None:
    machine = Machine(is_heard=True)
    house = house_of(database, machine)
    keeper = Timekeeper(house, DAY_MS)
    await keeper._look()
    machine.wall += 3 * HOUR_MS
    assert house.clock.reading().lo == NOON
    await keeper._look()
    assert house.clock.reading().lo == NOON + 3 * HOUR_MS
    machine.wall += 400 * DAY_MS
    await keeper._look()
    await keeper._look()
    assert house.clock.reading().lo == NOON + 3 * HOUR_MS
    assert await told(database) == [("hub.clock_step_held", None)]
    machine.wall -= 400 * DAY_MS
    await keeper._look()
    assert house.clock.reading().trust is ClockTrust.TRUSTED
    assert (await told(database))[-1] == ("hub.clock_known", None)


async def test_t3_what_a_process_of_the_same_boot_has_to_know_is_kept_with_the_mark(database: Database) -> None:
    machine = Machine(is_heard=True)
    house = house_of(database, machine)
    keeper = Timekeeper(house, DAY_MS)
    await database.write(lambda con: occupy(con, 5))
    await keeper._look()
    machine.wall += 9 * HOUR_MS
    await keeper._look()
    anchor = await database.read(hub_time.anchor)
    assert anchor is not None
    again = IntervalClock(machine, KeptTime(NOON, anchor=anchor), BOOT)
    machine.pass_time(MINUTE_MS)
    assert again.step() is not None
    assert anchor.held_since_s == 0.0
