"""One action, one port call, one result. Nothing is decided and nothing is stored here."""

import asyncio
import logging
from dataclasses import dataclass
from typing import assert_never

from gateway.model.answers import (
    Ambiguous,
    Listing,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    Unknown,
    WriteAnswer,
)
from gateway.model.failures import Busy, Part, Unreachable, Unsupported
from gateway.model.instant import Instant
from gateway.model.lock_clock import SET_ABOVE_MS, ClockSeen, TimeTold, witnessed
from gateway.model.pin import Pin
from gateway.planner.actions import Action, CheckClock, ClearSlot, ListSlots, ReadSlot, WriteSlot
from gateway.ports import Clock, ClockedLockPort, LockPort

log = logging.getLogger(__name__)

CALL_LIMIT_S = 90
"""Nothing on a lock takes longer. The driver has its own, shorter time-outs; this one is for a driver that hangs.

Source: the real driver answered after 30.1 s when the stick had lost a callback (our measurement); three times that.
"""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The call failed before the lock could have done anything; try again after `retry_after_ms` when it is set."""

    part: Part | None
    cause: str
    retry_after_ms: int | None = None


type Result = WriteAnswer | Sighting | Listing | ClockSeen | TimeTold | NotSent


async def perform(
    port: LockPort, action: Action, pin: Pin | None, clock: Clock, *, old_pin: Pin | None = None
) -> Result:
    """Carry out one action. Never raises for what a lock does; cancellation passes through.

    `old_pin` is what the slot holds of ours, where that is known (A11).
    """
    try:
        async with asyncio.timeout(CALL_LIMIT_S):
            return await _call(port, action, (pin, old_pin), clock)
    except TimeoutError:
        log.warning("fleet.call.hung", extra={"lock": port.lock_id, "limit_s": CALL_LIMIT_S})
        if isinstance(action, WriteSlot | ClearSlot):
            return Ambiguous(f"the driver did not come back within {CALL_LIMIT_S} s")
        if isinstance(action, CheckClock):
            return NotSent(None, f"the driver did not come back within {CALL_LIMIT_S} s")
        return Sighting(Unknown(), SightingSource.LOCK)
    except Unreachable as failure:
        return NotSent(failure.part, failure.cause)
    except Busy as failure:
        return NotSent(None, failure.cause, failure.retry_after_ms)
    except Unsupported as failure:
        log.warning("fleet.call.unsupported", extra={"lock": port.lock_id, "cause": str(failure)})
        if isinstance(action, CheckClock):
            return ClockSeen(None)
        is_window = isinstance(action, WriteSlot) and action.window is not None
        return Refused(RefusalReason.WINDOW if is_window else RefusalReason.UNSPECIFIED)


async def _call(port: LockPort, action: Action, pins: tuple[Pin | None, Pin | None], clock: Clock) -> Result:
    pin, old_pin = pins
    match action:
        case ReadSlot():
            return await port.read_slot(action.slot)
        case WriteSlot():
            assert pin is not None, "a write has a PIN"
            return await port.write_slot(action.slot, pin, window=action.window, old_pin=old_pin)
        case ClearSlot():
            return await port.clear_slot(action.slot, old_pin=old_pin)
        case ListSlots():
            return await port.read_all()
        case CheckClock():
            return await _check_clock(port, clock, action.right_at)
    assert_never(action)


async def _check_clock(port: LockPort, clock: Clock, right_at: Instant | None) -> ClockSeen | TimeTold | NotSent:
    """Read the lock's clock, set it where it is off, and see what it says then (T4); only read it for a hub in doubt (T2)."""
    if not isinstance(port, ClockedLockPort):
        return ClockSeen(None)
    if right_at is not None:
        told = witnessed(await port.get_clock(), right_at, clock.reading().lo)
        return told or NotSent(None, "the lock's clock cannot be right")
    found_ms = await _offset_ms(port, clock)
    if abs(found_ms) <= SET_ABOVE_MS:
        return ClockSeen(found_ms, found_ms)
    await port.set_clock(clock.reading().lo)
    return ClockSeen(found_ms, await _offset_ms(port, clock))


async def _offset_ms(port: ClockedLockPort, clock: Clock) -> int:
    """The lock's time less ours at the middle of the conversation."""
    asked_at = clock.reading().lo
    shown = await port.get_clock()
    return shown - (asked_at + clock.reading().lo) // 2
