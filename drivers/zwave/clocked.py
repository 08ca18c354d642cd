"""Locks with a clock that can be read and set: those with Time Parameters (0x8B), which is in UTC (CC:008B.01)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, override

from zwave_js_server.const import DateAndTime
from zwave_js_server.model.node import Node

from drivers.zwave.failures import Failure
from drivers.zwave.lock import ZWaveLock
from drivers.zwave.quirks import NodeFacts, Quirks, profile_of, quirks_of
from gateway.model.failures import Part, Unreachable, Unsupported
from gateway.model.ids import LockId
from gateway.model.instant import Instant
from gateway.ports import ClockedLockPort

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ClockedZWaveLock(ZWaveLock, ClockedLockPort):
    """A lock whose clock can be read and set (T4). Two radio messages to read it, two to four to set it."""

    @override
    async def get_clock(self) -> Instant:
        """The lock's time to the second. Raises what a read raises; `Unsupported` for a time that is no time."""
        told = await self.ask_lock(self.node.async_get_date_and_time())
        if told.year is None or told.hour is None:
            # Z-Wave JS turns the time-out of the read into an empty answer.
            raise Unreachable(Part.LOCK, "the lock did not tell its time")
        return instant_of(told)

    @override
    async def set_clock(self, at: Instant) -> None:
        """Put the clock to `at`, cut to the second. Raises what a read raises.

        Z-Wave JS also tells a lock with schedules the zone of its own process. A server of ours runs in UTC; for another
        one the zone is put right before the next window is written.
        """
        self.forget_zone()
        if not await self.ask_lock(
            self.node.async_set_date_and_time(_EPOCH + timedelta(milliseconds=at), wait_for_result=True)
        ):
            raise Unreachable(Part.LOCK, "the lock did not take the time")


def open_lock(
    lock_id: LockId, node: Node, facts: NodeFacts, overrides: Quirks, on_call: Callable[[Failure | None], None]
) -> ZWaveLock:
    """The port of one node, with a clock where the lock has one that can be set. `overrides` is the owner's word about it."""
    kind = ClockedZWaveLock if facts.has_clock else ZWaveLock
    shift = quirks_of(facts, overrides).event_slot_shift or 0
    return kind(lock_id, node, facts, profile_of(facts, overrides), on_call, shift)


def instant_of(told: DateAndTime) -> Instant:
    """A full date and time in UTC as an instant. Raises `Unsupported` when it is none, such as the 31st of June."""
    parts = (told.year, told.month, told.day, told.hour, told.minute, told.second or 0)
    numbers = [part for part in parts if part is not None]
    try:
        year, month, day, hour, minute, second = numbers
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        msg = "the lock tells a time that is none"
        raise Unsupported(msg) from None
    return Instant(max(0, (moment - _EPOCH) // timedelta(milliseconds=1)))
