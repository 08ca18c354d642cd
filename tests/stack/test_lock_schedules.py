"""Windows that a lock keeps by its own clock, written by the real driver over the air. The lock decides who comes in."""

from collections.abc import Iterator

import pytest

from gateway.model.answers import Refused, Written
from gateway.model.failures import Busy
from gateway.model.ids import Slot
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant, parse_instant
from gateway.model.pin import Pin
from gateway.model.reports import Locked, Method
from gateway.model.window import Window
from gateway.ports import ClockedLockPort, LockPort
from tests.stack.zwave_stack import Stack, driven

pytestmark = pytest.mark.stack

SCENE = """
[radio]
airtime = false

[[locks]]
name = "free"
node = 2
profile = "timed"

[[locks]]
name = "strict"
node = 3
profile = "timed_strict"
"""
NODES = {"free": 2, "strict": 3}

NOON = parse_instant("2027-01-31T12:00:00Z")
STAY = Window(Instant(NOON + 2 * HOUR_MS), Instant(NOON + 3 * DAY_MS))
PIN = Pin("471147")
SLOT = Slot(3)


@pytest.fixture(autouse=True)
def _calm(stack: Stack) -> Iterator[None]:
    yield
    stack.home.calm()


async def put(port: LockPort, window: Window | None) -> object:
    """Put the PIN on a lock whose clock shows noon."""
    assert isinstance(port, ClockedLockPort)
    await port.set_clock(NOON)
    return await port.write_slot(SLOT, PIN, window=window, old_pin=None)


@pytest.mark.parametrize("name", NODES)
async def test_lock_keeps_the_window_by_its_own_clock(stack: Stack, name: str) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(name)
        port = here.ports[name]
        answer = await put(port, STAY)
        assert isinstance(answer, Written)
        assert answer.effective_window == STAY
        seen = [stack.home.opens(name, PIN.reveal())]
        for hours in (2, 69, 1):  # 14:00 of the first day, 11:00 and 12:00 of the last
            stack.home.clock(name, hours * 3600)
            seen.append(stack.home.opens(name, PIN.reveal()))
        assert seen == [False, True, True, False]
        await port.clear_slot(SLOT, old_pin=PIN)
        (told,) = stack.home.truth(name)
        assert (told["slots"], told["opening"]) == ({}, {})


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2027-12-31T22:00:00Z", "2028-01-01T10:00:00Z"),
        ("2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"),
        ("2099-12-30T22:00:00Z", "2099-12-31T22:00:00Z"),
    ],
    ids=["turn of the year", "hour that comes twice in Berlin", "last year of two digits"],
)
async def test_lock_of_two_digit_years_without_a_zone_opens_at_the_instant(
    stack: Stack, starts: str, ends: str
) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals("free")
        port = here.ports["free"]
        assert isinstance(port, ClockedLockPort)
        stay = Window(parse_instant(starts), parse_instant(ends))
        await port.set_clock(Instant((stay.starts_at or 0) - HOUR_MS))
        assert isinstance(await port.write_slot(SLOT, PIN, window=stay, old_pin=None), Written)
        seen = []
        for at in (
            (stay.starts_at or 0) - MINUTE_MS,
            stay.starts_at or 0,
            (stay.ends_at or 0) - MINUTE_MS,
            stay.ends_at or 0,
        ):
            await port.set_clock(Instant(at))
            seen.append(stack.home.opens("free", PIN.reveal()))
        assert seen == [False, True, True, False]
        await port.clear_slot(SLOT, old_pin=PIN)


@pytest.mark.parametrize("name", NODES)
async def test_write_without_a_window_frees_the_slot(stack: Stack, name: str) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(name)
        port = here.ports[name]
        await put(port, STAY)
        before = stack.home.opens(name, PIN.reveal())
        assert isinstance(await port.write_slot(SLOT, PIN, window=None, old_pin=PIN), Written)
        assert (before, stack.home.opens(name, PIN.reveal())) == (False, True)
        await port.clear_slot(SLOT, old_pin=PIN)


async def test_battery_change_loses_the_time_and_the_driver_sees_it(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals("free")
        port = here.ports["free"]
        await put(port, Window(NOON, STAY.ends_at))
        assert isinstance(port, ClockedLockPort)
        before = stack.home.opens("free", PIN.reveal())
        # What the lock still has to say would cross the driver's question while both agree on nonces anew.
        await here.until(lambda: here.reports["free"][-1:] == [Locked(Method.MANUAL)])
        stack.home.power("free")
        lost = bool(stack.home.press("free", "471147")["is_opened"])
        assert await port.get_clock() < parse_instant("2001-01-01T00:00:00Z")
        await port.set_clock(NOON)
        assert (before, lost, stack.home.opens("free", PIN.reveal())) == (True, False, True)
        assert abs(await port.get_clock() - NOON) < HOUR_MS
        await port.clear_slot(SLOT, old_pin=PIN)


@pytest.mark.parametrize("name", NODES)
async def test_refused_pin_is_never_live(stack: Stack, name: str) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(name)
        port = here.ports[name]
        stack.home.fault("refuse_write", lock=name)
        assert isinstance(await put(port, STAY), Refused)
        (told,) = stack.home.truth(name)
        assert told["opening"] == {}
        await port.clear_slot(SLOT, old_pin=PIN)


@pytest.mark.parametrize("name", NODES)
async def test_refused_schedule_brings_no_pin_and_the_caller_comes_back_without_a_window(
    stack: Stack, name: str
) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals(name)
        port = here.ports[name]
        stack.home.fault("refuse_schedule", lock=name)
        with pytest.raises(Busy):
            await put(port, STAY)
        assert not stack.home.opens(name, PIN.reveal())
        assert stack.home.pins(name) == {}
        assert port.profile.schedule is None


async def test_clock_that_jumps_takes_the_window_with_it_and_one_that_ignores_its_setting_is_seen(stack: Stack) -> None:
    async with driven({"url": stack.url}, NODES, stack.folder) as here:
        await here.arrivals("free")
        port = here.ports["free"]
        await put(port, Window(NOON, Instant(NOON + HOUR_MS)))
        before = stack.home.opens("free", PIN.reveal())
        stack.home.fault("clock_jump", lock="free")
        assert (before, stack.home.opens("free", PIN.reveal())) == (True, False)
        assert isinstance(port, ClockedLockPort)
        stack.home.fault("ignore_clock", lock="free")
        await port.set_clock(NOON)
        assert await port.get_clock() >= NOON + HOUR_MS
        await port.set_clock(NOON)
        assert (await port.get_clock() - NOON < HOUR_MS, stack.home.opens("free", PIN.reveal())) == (True, True)
        await port.clear_slot(SLOT, old_pin=PIN)
