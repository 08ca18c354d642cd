"""Windows that the lock itself keeps, by its own clock (A2, D6, T4)."""

from drivers.kit.bench import Need
from drivers.kit.scene import scene
from drivers.kit.scenes.codes import A, B
from drivers.kit.stage import THEIRS, Stage
from gateway.model.answers import Written
from gateway.model.failures import Unsupported
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from gateway.model.window import Window
from gateway.ports import ClockedLockPort

NEAR_MS = 5_000
"""How far apart two looks at one clock may be: both sides keep whole seconds, and the radio takes its time."""


@scene("A2", Need.WINDOWS, Need.PRESS)
async def window_to_come_keeps_the_door_shut(at: Stage) -> None:
    """A PIN whose window begins tomorrow is on the lock and does not open."""
    await at.arrive()
    await _windowed(at, DAY_MS, 2 * DAY_MS)
    await at.opens(at.pins.first, is_open=False)
    await at.opens(at.pins.theirs, is_open=True)


@scene("A2", Need.WINDOWS, Need.PRESS)
async def open_window_opens_the_door(at: Stage) -> None:
    """A PIN whose window began an hour ago opens."""
    await at.arrive()
    await _windowed(at, -HOUR_MS, DAY_MS)
    await at.opens(at.pins.first, is_open=True)


@scene("A2", Need.WINDOWS, Need.PRESS)
async def closed_window_keeps_the_door_shut(at: Stage) -> None:
    """A PIN whose window ended does not open, though nobody took it off."""
    await at.arrive()
    await _windowed(at, -2 * DAY_MS, -HOUR_MS)
    await at.opens(at.pins.first, is_open=False)


@scene("D6", Need.WINDOWS)
async def effective_window_is_never_wider(at: Stage) -> None:
    """A window off the lock's grain takes effect inside what was asked for, and the answer says how."""
    port = await at.arrive()
    wanted = await _window(at, DAY_MS + 17_003, 2 * DAY_MS + 29_411)
    answer = await at.write(A, at.pins.first, window=wanted)
    at.insist(isinstance(answer, Written), "the lock took it")
    assert isinstance(answer, Written)
    got, schedule = answer.effective_window, port.profile.schedule
    at.insist(got is not None and schedule is not None and got == schedule.inside(wanted), "the widest window inside")


@scene("A2", Need.WINDOWS, Need.PRESS)
async def write_without_a_window_takes_the_schedule_off(at: Stage) -> None:
    """A slot that had a window and is written without one opens at any time."""
    await at.arrive()
    await _windowed(at, DAY_MS, 2 * DAY_MS)
    at.proven(await at.write(A, at.pins.first))
    await at.opens(at.pins.first, is_open=True)


@scene("A2", Need.WINDOWS, Need.PRESS)
async def clear_takes_the_schedule_off(at: Stage) -> None:
    """The next PIN in a slot does not inherit the window of the one before."""
    await at.arrive()
    await _windowed(at, DAY_MS, 2 * DAY_MS)
    at.proven(await at.clear(A))
    at.proven(await at.write(A, at.pins.second))
    await at.opens(at.pins.second, is_open=True)


@scene("A2", Need.WINDOWS, Need.PRESS)
async def moved_window_is_the_one_that_counts(at: Stage) -> None:
    """The same PIN written with another window opens by the new one."""
    await at.arrive()
    await _windowed(at, DAY_MS, 2 * DAY_MS)
    await _windowed(at, -HOUR_MS, DAY_MS)
    await at.opens(at.pins.first, is_open=True)


@scene("A2", Need.WINDOWS, Need.PRESS)
async def each_slot_keeps_its_own_window(at: Stage) -> None:
    """Two codes with different windows each keep their own."""
    await at.arrive()
    await _windowed(at, DAY_MS, 2 * DAY_MS)
    at.proven(await at.write(B, at.pins.second, window=await _window(at, -HOUR_MS, DAY_MS)))
    await at.opens(at.pins.first, is_open=False)
    await at.opens(at.pins.second, is_open=True)


@scene("D6")
async def window_that_cannot_be_kept_is_turned_down(at: Stage) -> None:
    """A window without an end is no schedule, and a lock without schedules takes none: nothing is written."""
    await at.arrive()
    try:
        await at.write(A, at.pins.first, window=Window(Instant(DAY_MS), None))
    except Unsupported:
        await at.remembers((THEIRS, at.pins.theirs))
        return
    at.broken("a window that no lock can keep was taken")


@scene("T4", Need.CLOCK)
async def clock_is_read(at: Stage) -> None:
    """The driver tells the lock's own time, translated into an instant."""
    port = await at.arrive()
    assert isinstance(port, ClockedLockPort), "promised by CLOCK"
    at.insist(abs(await port.get_clock() - await at.door.clock()) <= NEAR_MS, "the lock's time")


@scene("T4", Need.CLOCK)
async def clock_is_set(at: Stage) -> None:
    """The driver puts the lock's clock right."""
    port = await at.arrive()
    assert isinstance(port, ClockedLockPort), "promised by CLOCK"
    wanted = Instant(await at.door.clock() + 37 * MINUTE_MS)
    await port.set_clock(wanted)
    at.insist(abs(await at.door.clock() - wanted) <= NEAR_MS, "the lock took the time")
    at.insist(abs(await port.get_clock() - wanted) <= NEAR_MS, "and tells it")


async def _window(at: Stage, starts_in_ms: int, ends_in_ms: int) -> Window:
    now = await at.door.clock()
    return Window(Instant(now + starts_in_ms), Instant(now + ends_in_ms))


async def _windowed(at: Stage, starts_in_ms: int, ends_in_ms: int) -> None:
    answer = await at.write(A, at.pins.first, window=await _window(at, starts_in_ms, ends_in_ms))
    at.insist(isinstance(answer, Written) and answer.effective_window is not None, "the lock took PIN and window")
