"""The bounded queues between the driver and its readers."""

import asyncio
from dataclasses import dataclass
from typing import cast

from drivers.zwave import mailbox
from drivers.zwave.mailbox import Comings, Reports
from drivers.zwave.stick_watch import FAILURES_MIN, PATIENCE_S, StickWatch
from gateway.model.ids import LockId, Slot
from gateway.model.reports import (
    BatteryLevel,
    Locked,
    Method,
    Reachability,
    Report,
    SlotChange,
    SlotChanged,
    Unlocked,
)
from gateway.ports import Arrival, Departure, LockPort

FRONT = LockId("front")


async def drain(reports: Reports) -> list[Report]:
    reports.close()
    return [report async for report in reports.stream()]


def unlocked(slot: int) -> Unlocked:
    return Unlocked(Method.KEYCODE, Slot(slot))


async def test_reports_come_in_order_and_repeats_in_a_row_once() -> None:
    reports = Reports(FRONT)
    for report in (unlocked(1), unlocked(1), unlocked(2), unlocked(1)):
        reports.put(report)
    assert await drain(reports) == [unlocked(1), unlocked(2), unlocked(1)]


async def test_reader_that_waits_is_woken() -> None:
    reports = Reports(FRONT)
    seen: list[Report] = []

    async def read() -> None:
        seen.extend([report async for report in reports.stream()])

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(read())
        await asyncio.sleep(0)
        reports.put(unlocked(1))
        await asyncio.sleep(0)
        reports.close()
    assert seen == [unlocked(1)]


async def test_overflow_drops_the_oldest_battery_first_and_no_slot_change() -> None:
    reports = Reports(FRONT)
    reports.put(SlotChanged(SlotChange.DELETED, Slot(9)))
    for percent in range(mailbox.REPORTS_MAX):
        reports.put(BatteryLevel(percent % 100))
    read = await drain(reports)
    assert len(read) == mailbox.REPORTS_MAX
    assert read[0] == SlotChanged(SlotChange.DELETED, Slot(9))
    assert read[1] == BatteryLevel(1)
    assert reports.dropped_count == 1


async def test_overflow_drops_anonymous_bolt_movements_before_uses_of_codes() -> None:
    reports = Reports(FRONT)
    reports.put(unlocked(5))
    reports.put(Locked(Method.AUTOMATIC))
    for slot in range(mailbox.REPORTS_MAX):
        reports.put(unlocked(slot + 10))
    read = await drain(reports)
    assert Locked(Method.AUTOMATIC) not in read
    assert len(read) == mailbox.REPORTS_MAX


async def test_overflow_of_slot_changes_becomes_one_that_means_every_slot() -> None:
    reports = Reports(FRONT)
    for slot in range(1, mailbox.REPORTS_MAX + 2):
        reports.put(SlotChanged(SlotChange.DELETED, Slot(slot)))
    assert await drain(reports) == [SlotChanged(SlotChange.CHANGED)]


async def test_overflow_of_uses_alone_drops_the_oldest_use_and_keeps_the_slot_change() -> None:
    reports = Reports(FRONT)
    reports.put(SlotChanged(SlotChange.DELETED, Slot(9)))
    for slot in range(mailbox.REPORTS_MAX):
        reports.put(unlocked(slot + 1))
    read = await drain(reports)
    assert read[0] == SlotChanged(SlotChange.DELETED, Slot(9))
    assert read[1] == unlocked(2)
    assert len(read) == mailbox.REPORTS_MAX


async def test_closed_reports_take_nothing_more() -> None:
    reports = Reports(FRONT)
    reports.close()
    reports.put(Reachability(is_reachable=True))
    assert [report async for report in reports.stream()] == []


@dataclass
class Port:
    """As much of a port as an announcement needs."""

    lock_id: LockId


def arrival(lock: str) -> Arrival:
    return Arrival(cast("LockPort", Port(LockId(lock))))


async def read(comings: Comings, count: int) -> list[Arrival | Departure]:
    stream = comings.stream()
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


async def test_arrival_that_nobody_saw_is_taken_back_by_its_departure() -> None:
    comings, back = Comings(), arrival("back")
    comings.arrive(arrival("front"))
    comings.arrive(back)
    comings.depart(Departure(FRONT, "unplugged"))
    assert await read(comings, 1) == [back]


async def test_departure_of_a_lock_that_was_seen_is_told_before_its_next_arrival() -> None:
    comings, again = Comings(), arrival("front")
    comings.arrive(arrival("front"))
    await read(comings, 1)
    comings.depart(Departure(FRONT, "unplugged"))
    comings.arrive(again)
    assert await read(comings, 2) == [Departure(FRONT, "unplugged"), again]


def test_stick_is_stuck_after_patience_and_more_than_one_failure() -> None:
    watch = StickWatch()
    watch.failed(100.0, "unplugged")
    assert not watch.is_stuck(100.0 + PATIENCE_S)
    for _ in range(FAILURES_MIN - 1):
        watch.failed(110.0, "unplugged")
    assert not watch.is_stuck(100.0 + PATIENCE_S - 1)
    assert watch.is_stuck(100.0 + PATIENCE_S)


def test_command_that_passes_clears_the_stick() -> None:
    watch = StickWatch()
    for now_s in (0.0, 30.0, 70.0):
        watch.failed(now_s, "unplugged")
    watch.worked()
    assert not watch.is_stuck(1_000.0)
    assert watch.trouble is None


def test_trouble_is_what_the_last_command_met() -> None:
    watch = StickWatch()
    watch.failed(0.0, "no answer")
    watch.failed(1.0, "unplugged")
    assert watch.trouble == "unplugged"
