"""What time has to do with a code, in sentences: windows that the lock keeps, clocks that are off, codes held back (A2, T2, T4)."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import Instant
from gateway.model.lock_clock import ClockState
from gateway.model.snapshot import LockSnapshot
from gateway.planner.desired import Desire, Phase
from gateway.planner.explain import span, when
from gateway.planner.native import native_window
from gateway.planner.status import Standing


def of_code(
    wish: Desire, standing: Standing, snapshot: LockSnapshot, reading: ClockReading, zone: ZoneInfo
) -> Iterator[str]:
    """Who keeps the code's window, and what time does to it; nothing for a code that the hub simply writes in time.

    Nor on a quarantined lock: both are about the device that was paired (A17).
    """
    if snapshot.is_quarantined:
        return
    now = reading.lo
    if standing.scheduled is not None and standing.scheduled.starts_at is not None:
        opens_at = standing.scheduled.starts_at
        yield f"Window: it is on the lock already, and the lock itself keeps it shut until {when(opens_at, now, zone)}."
    elif wish.window is not None and wish.is_native:
        yield "Window: the lock itself opens and shuts it; the hub clears it after its end."
    elif wish.window is not None:
        yield "Window: written just in time; the lock keeps the window as one more barrier."
    elif (why_not := _why_not_native(wish, snapshot, reading)) is not None:
        yield f"Window: the hub keeps it and not the lock: {why_not}."
    if wish.is_held_back:
        yield "Time: the hub does not know it, so the code is kept off the lock: it may be over already."
    elif reading.trust is ClockTrust.UNTRUSTED and reading.untrusted_since is not None and wish.code.window.ends_at:
        leaves_at = Instant(reading.untrusted_since + snapshot.settings.untrusted_stay_ms)
        if wish.wanted is not None and not wish.is_native:
            yield f"Time: the hub does not know it; without it the code comes off {when(leaves_at, now, zone)}."


def of_clock(snapshot: LockSnapshot) -> Iterator[str]:
    """What is wrong with the lock's own clock, while windows hang on it."""
    clock = snapshot.clock
    if snapshot.is_quarantined:
        return
    if clock.state is ClockState.WRONG and clock.offset_ms is not None:
        side = "ahead" if clock.offset_ms > 0 else "behind"
        yield f"The lock's clock is {span(abs(clock.offset_ms))} {side} and cannot be set: the hub keeps its windows."


def _why_not_native(wish: Desire, snapshot: LockSnapshot, reading: ClockReading) -> str | None:
    schedule = snapshot.profile.schedule
    if schedule is None or wish.phase is Phase.OVER:
        return None
    if native_window(wish.code, snapshot) is None:
        return None
    if snapshot.is_window_disproved:
        return f"the lock was seen to open outside one (prove it again: gatewayctl check-native {snapshot.lock_id})"
    match snapshot.clock.state:
        case ClockState.WRONG:
            return "the lock's clock is wrong"
        case ClockState.UNREADABLE:
            return "the lock's clock cannot be read"
        case ClockState.UNCHECKED:
            return "the lock's clock was not checked yet"
        case ClockState.GOOD:
            return None if reading.trust is ClockTrust.TRUSTED else "the hub's own time is not trusted"
