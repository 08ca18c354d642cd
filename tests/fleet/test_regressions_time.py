"""Scars of others with the calendar, as named tests: nights, both folds and the gap of summer time, the turn of a year (A3, T5).

A stay is two instants, whatever the clock on the wall does meanwhile. Where a person or a cloud writes local times, the hour that
comes twice begins with its first and ends with its second half past two, so that no guest is cut short.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.simulator.doors.driver import InProcessLock
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from gateway.model.commands import CreateAccessCode
from gateway.model.ids import CodeId, Slot
from gateway.model.instant import DAY_MS, HOUR_MS, Instant, parse_instant
from gateway.model.pin import Pin
from gateway.model.window import Window
from gateway.shell.times import Edge, parse_time
from tests.builders import FRONT, LEAD_MS, FakeClock
from tests.fleet.test_regressions import SETTLED_S
from tests.fleet.test_worker import Hub, hub, until

BERLIN = ZoneInfo("Europe/Berlin")
PIN = "2580"


@dataclass(frozen=True, slots=True)
class Stay:
    """What was written, local or with its offset, and the instants that it must mean."""

    starts: str
    ends: str
    from_utc: str
    until_utc: str


STAYS = {
    "over midnight": Stay("2027-01-31 22:00", "2027-02-01 06:00", "2027-01-31T21:00:00Z", "2027-02-01T05:00:00Z"),
    "begins in the hour that comes twice": Stay(
        "2027-10-31 02:30", "2027-10-31 05:00", "2027-10-31T00:30:00Z", "2027-10-31T04:00:00Z"
    ),
    "ends in the hour that comes twice": Stay(
        "2027-10-31 00:00", "2027-10-31 02:30", "2027-10-30T22:00:00Z", "2027-10-31T01:30:00Z"
    ),
    "lies in the hour that comes twice": Stay(
        "2027-10-31 02:30", "2027-10-31 02:30", "2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"
    ),
    "first half past two, by its offset": Stay(
        "2027-10-31T02:30:00+02:00", "2027-10-31T02:45:00+02:00", "2027-10-31T00:30:00Z", "2027-10-31T00:45:00Z"
    ),
    "second half past two, by its offset": Stay(
        "2027-10-31T02:30:00+01:00", "2027-10-31T02:45:00+01:00", "2027-10-31T01:30:00Z", "2027-10-31T01:45:00Z"
    ),
    "begins in the hour that is left out": Stay(
        "2027-03-28 02:30", "2027-03-28 12:00", "2027-03-28T01:00:00Z", "2027-03-28T10:00:00Z"
    ),
    "over the hour that is left out": Stay(
        "2027-03-27 22:00", "2027-03-28 06:00", "2027-03-27T21:00:00Z", "2027-03-28T04:00:00Z"
    ),
    "over the turn of the year": Stay(
        "2027-12-31 23:00", "2028-01-01 11:00", "2027-12-31T22:00:00Z", "2028-01-01T10:00:00Z"
    ),
    "over February 29th": Stay("2028-02-28 15:00", "2028-03-01 11:00", "2028-02-28T14:00:00Z", "2028-03-01T10:00:00Z"),
}


async def settled(house: Hub, at: int) -> dict[int, str | None]:
    """What is in the lock's memory a while after an instant: whoever has something to do has begun it by then."""
    house.clock.now = Instant(at)
    house.ring()
    await asyncio.sleep(SETTLED_S)
    return house.pins()


@pytest.mark.parametrize("name", STAYS)
async def test_a_stay_is_on_the_lock_from_its_lead_to_its_end_to_the_millisecond(tmp_path: Path, name: str) -> None:
    stay = STAYS[name]
    begins_at, over_at = parse_instant(stay.from_utc), parse_instant(stay.until_utc)
    clock = FakeClock(Instant(begins_at - DAY_MS))
    starts_at = parse_time(stay.starts, Edge.START, clock.now, BERLIN).at
    ends_at = parse_time(stay.ends, Edge.END, clock.now, BERLIN).at
    async with hub(tmp_path / "hub.db", clock=clock) as house:
        order = CreateAccessCode(CodeId("guest"), FRONT, "Guest", Pin(PIN), starts_at, ends_at)
        assert (await house.order(order)).rejection is None
        assert await settled(house, begins_at - LEAD_MS - 1) == {}
        house.clock.now = Instant(begins_at - LEAD_MS)
        house.ring()

        async def is_set() -> bool:
            return "access_code.set_on_device" in await house.kinds()

        await until(is_set)
        assert await settled(house, over_at - 1) == {1: PIN}
        house.clock.now = over_at
        house.ring()

        async def is_gone() -> bool:
            return house.pins() == {}

        await until(is_gone)


@pytest.mark.parametrize("name", STAYS)
async def test_a_lock_that_keeps_windows_itself_opens_a_stay_at_the_same_instants(name: str) -> None:
    """Its clock shows UTC in two digits of a year: no zone, no summer time, and a turn of the year is nothing special."""
    stay = STAYS[name]
    begins_at, over_at = parse_instant(stay.from_utc), parse_instant(stay.until_utc)
    lock = InProcessLock(FRONT, Firmware(shipped_model("timed")))
    await lock.set_clock(Instant(begins_at - HOUR_MS))
    await lock.write_slot(Slot(1), Pin(PIN), window=Window(begins_at, over_at), old_pin=None)
    seen = []
    for at in (begins_at - 1_000, begins_at, over_at - 1_000, over_at):
        await lock.set_clock(Instant(at))
        seen.append(bool(lock.firmware.opening(lock.now())))
    assert seen == [False, True, True, False]
