"""Windows in the lock itself: Schedule Entry Lock (0x4E), one year-day schedule per user.

Theory. A PIN is never live without its window (A2), and there are two ways to that. Most locks take a schedule for a slot
before its PIN: schedule, then PIN. The command class promises a schedule only for a user "who already has a valid code"
(CC:004E), so where a lock does not take it, the PIN goes first with status *disabled*, then the schedule, then the status
becomes *enabled*; only a version 2 User Code lock that lists that status can do this. A lock that can do neither keeps no
windows whatever it declares: `learn_none` takes the schedule off its profile, and the caller comes back without a window.

"Taken" means that the lock said so under Supervision that is known to be honest (A7), or that it shows the very schedule when
asked. `None` from a read is an empty slot or a time-out, so a lock is asked twice before its silence counts as "not taken".

A schedule is a write: the slot's PIN may be live, and from a schedule that may have been sent on nobody knows under which window.
So a failure there is told as that of a write, and only what goes before it as "nothing was executed".

Everything is in UTC. Years have two digits on the wire and Z-Wave JS checks nothing (2026 becomes 0xEA and is reported as
a success), and the offset during daylight saving is absolute there, not a difference, so the one offset ever sent is zero and zero.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from zwave_js_server.const import CommandClass

from drivers.zwave.credentials import SupervisionStatus, UserIdStatus
from drivers.zwave.failures import CallFailed, Failure, Fate, of_read, of_write
from drivers.zwave.quirks import NodeFacts
from gateway.model.answers import Ambiguous, Disabled, Empty, Refused, Sighting, WriteAnswer, Written
from gateway.model.evidence import Evidence
from gateway.model.failures import Busy, LockFailure, Part, Unreachable, Unsupported
from gateway.model.ids import Slot
from gateway.model.instant import Instant
from gateway.model.lock import Schedule
from gateway.model.pin import Pin
from gateway.model.window import Window

log = logging.getLogger(__name__)

CENTURY: Final = 2000
"""CC:004E.01.06: "a value from 0 to 99 that represents the 2 year in the century"."""

YEAR_DAY: Final = 1
"""`ScheduleEntryLockScheduleKind.YearDay` of Z-Wave JS 15.29, which is part of its cache's keys."""

READS_MAX: Final = 2
"""How often a lock is asked for a schedule before it counts as not taken: one lost answer must not decide that."""

ASK_AGAIN_MS: Final = 1_000
"""When to come back after it turned out that the lock keeps no windows: at once, but not in the same breath."""

OUR_SLOT: Final = 1
"""The schedule slot of a user that we write. Locks have one to a few; the others are kept empty, because a PIN opens in any."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS: Final = ("Year", "Month", "Day", "Hour", "Minute")

type YearDay = dict[str, int]
type Taken = Literal["supervised", "shown", "no"]


@dataclass(frozen=True, slots=True)
class Calls:
    """What windows need of a lock. `invoke` and `known` raise `CallFailed`, the others what the lock port may raise."""

    invoke: Callable[[CommandClass, str, tuple[object, ...]], Awaitable[object]]
    known: Callable[[CommandClass, str, int | None], Awaitable[object]]
    put: Callable[[Slot, Pin, UserIdStatus], Awaitable[WriteAnswer]]
    erase: Callable[[Slot], Awaitable[WriteAnswer]]
    look: Callable[[Slot], Awaitable[Sighting]]
    learn_none: Callable[[], None]


def year_day(window: Window) -> YearDay:
    """A window on the grain as arguments of `setYearDaySchedule`, in UTC with a two-digit year.

    Raises `Unsupported` for what two digits cannot say, and `ValueError` for a window without both ends.
    """
    if window.starts_at is None or window.ends_at is None:
        msg = "a year-day schedule needs both ends"
        raise ValueError(msg)
    return _moment("start", window.starts_at) | _moment("stop", window.ends_at)


def shows(answer: object, wanted: YearDay) -> bool:
    """Whether the lock's Year Day Report is the wanted schedule. No answer is not."""
    return isinstance(answer, Mapping) and {name: answer.get(name) for name in wanted} == wanted


def cache_key(slot: Slot, schedule_slot: int) -> int:
    """The key under which Z-Wave JS 15.29 remembers a year-day schedule."""
    return YEAR_DAY << 16 | int(slot) << 8 | schedule_slot


class Windows:
    """The schedules of one lock. Not concurrent, like the lock port."""

    def __init__(self, calls: Calls, schedule: Schedule, facts: NodeFacts, *, supervision_is_honest: bool) -> None:
        """Nothing is sent before the first window. `supervision_is_honest` is the profile's word."""
        self._calls = calls
        self._schedule = schedule
        self._slot_count = facts.year_day_slots
        self._has_zone = self._has_unknown_zone = facts.has_schedule_zone
        self._can_disable = facts.can_disable
        self._is_honest = supervision_is_honest

    def forget_zone(self) -> None:
        """The lock's zone may have been changed: it is asked for before the next window."""
        self._has_unknown_zone = self._has_zone

    async def write(self, slot: Slot, pin: Pin, window: Window, old_pin: Pin | None) -> WriteAnswer:
        """Put a PIN with its window. The module's text tells how; the answer is the one of the PIN."""
        effective = self._schedule.inside(window)
        if effective is None:
            msg = "the lock cannot keep a window of this length"
            raise Unsupported(msg)
        wanted = year_day(effective)
        try:
            await self._keep_utc()
            await self._empty_other_slots(slot)
        except CallFailed as error:
            # Neither the PIN nor its window was touched, so nothing was executed that anybody has to look for.
            raise of_read(error.failure) from None
        try:
            taken = await self._set(slot, wanted)
        except CallFailed as error:
            answer = of_write(error.failure)
            if isinstance(answer, LockFailure):
                raise answer from None
            return answer
        if taken == "no":
            return await self._write_disabled(slot, pin, wanted, effective)
        if pin == old_pin:
            return Written(Evidence.SUPERVISED if taken == "supervised" else Evidence.ACKNOWLEDGED, effective)
        return _with_window(await self._calls.put(slot, pin, UserIdStatus.ENABLED), effective)

    async def free(self, slot: Slot, *, has_pin: bool) -> None:
        """Make a slot's PIN open at any time: no schedule, and none enforced.

        Nothing is sent for a slot that Z-Wave JS knows to be free, nor, without a PIN, for one it knows nothing about: then
        the next PIN's write will. Raises `CallFailed`, also when the lock keeps a schedule that it is known to have. Any other refusal
        is logged only: what a lock does not schedule is free.
        """
        is_scheduled = await self._calls.known(CommandClass.SCHEDULE_ENTRY_LOCK, "userEnabled", int(slot))
        if is_scheduled is False or (is_scheduled is None and not has_pin):
            return
        schedule = await self._remembered(slot, OUR_SLOT)
        results = [await self._erase(slot, OUR_SLOT)] if isinstance(schedule, Mapping) else []
        results.append(await self._invoke("setEnabled", False, int(slot)))
        statuses = [_status(result) for result in results]
        if isinstance(schedule, Mapping) and not {SupervisionStatus.SUCCESS, None} & set(statuses):
            raise CallFailed(Failure(Fate.REFUSED, Part.LOCK, "the lock does not give its schedule up"))
        if SupervisionStatus.FAIL in statuses:
            log.info("lock.schedule.free_refused", extra={"slot": int(slot)})

    async def _write_disabled(self, slot: Slot, pin: Pin, wanted: YearDay, effective: Window) -> WriteAnswer:
        if not self._can_disable:
            raise self._learned("the lock takes no schedule before its PIN, and cannot hold a PIN that does not open")
        answer = await self._calls.put(slot, pin, UserIdStatus.DISABLED)
        match answer:
            case Written(evidence=Evidence.SUPERVISED) if self._is_honest:
                pass
            case Written() if not await self._is_disabled(slot):
                if not await self._is_taken_off(slot):
                    return Ambiguous("the PIN is on the lock without its window")
                raise self._learned("the lock does not hold a PIN that does not open")
            case Written():
                pass
            case _:
                return answer
        try:
            taken = await self._set(slot, wanted)
        except CallFailed as error:
            return Ambiguous(f"the PIN is on the lock and disabled, its window is not: {error.failure.cause}")
        if taken == "no":
            if not await self._is_taken_off(slot):
                return Ambiguous("the PIN is on the lock and disabled, its window is not")
            raise self._learned("the lock takes no schedule")
        answer = await self._calls.put(slot, pin, UserIdStatus.ENABLED)
        if isinstance(answer, Refused) and not await self._is_taken_off(slot):
            return Ambiguous("the PIN is on the lock and disabled")
        return _with_window(answer, effective)

    async def _is_taken_off(self, slot: Slot) -> bool:
        """Take a PIN off that was written in part. Whether the slot is surely empty: else nobody may be told that nothing is there."""
        try:
            answer = await self._calls.erase(slot)
            is_sure = isinstance(answer, Written) and answer.evidence is Evidence.SUPERVISED
            return (is_sure and self._is_honest) or (await self._calls.look(slot)).value == Empty()
        except LockFailure:
            return False

    async def _is_disabled(self, slot: Slot) -> bool:
        try:
            return (await self._calls.look(slot)).value == Disabled()
        except LockFailure:
            return False

    def _learned(self, cause: str) -> Busy:
        self._calls.learn_none()
        log.warning("lock.schedule.none", extra={"cause": cause})
        return Busy(ASK_AGAIN_MS, cause)

    async def _keep_utc(self) -> None:
        # Z-Wave JS tells a lock the zone of its own process at the interview; a server of ours runs in UTC.
        if not self._has_unknown_zone:
            return
        zone = await self._invoke("getTimezone")
        match zone:
            case {"standardOffset": 0, "dstOffset": 0}:
                pass
            case _:
                result = await self._invoke("setTimezone", {"standardOffset": 0, "dstOffset": 0})
                if self._believed(result) != SupervisionStatus.SUCCESS:
                    zone = await self._invoke("getTimezone")
                    if not (isinstance(zone, Mapping) and zone.get("standardOffset") == zone.get("dstOffset") == 0):
                        raise Unreachable(Part.LOCK, "the lock does not say that its clock is in UTC")
        self._has_unknown_zone = False

    async def _empty_other_slots(self, slot: Slot) -> None:
        for other in range(OUR_SLOT + 1, self._slot_count + 1):
            remembered = await self._remembered(slot, other)
            status = SupervisionStatus.SUCCESS if remembered is False else _status(await self._erase(slot, other))
            if isinstance(remembered, Mapping) and status not in {SupervisionStatus.SUCCESS, None}:
                # A PIN opens in any of its schedules, so ours would not shut it (A2).
                raise Unreachable(Part.LOCK, "the lock does not give up another schedule of this slot")

    async def _set(self, slot: Slot, wanted: YearDay) -> Taken:
        place = {"userId": int(slot), "slotId": OUR_SLOT}
        result = await self._invoke("setYearDaySchedule", place, wanted)
        match self._believed(result):
            case SupervisionStatus.SUCCESS:
                return "supervised"
            case SupervisionStatus.FAIL | SupervisionStatus.NO_SUPPORT:
                return "no"
            case _:
                return await self._as_shown(place, wanted)

    async def _as_shown(self, place: Mapping[str, int], wanted: YearDay) -> Taken:
        """Whether the lock shows a schedule that was just sent. Raises `CallFailed`, always in doubt: the schedule itself was sent."""
        try:
            for _ in range(READS_MAX):
                answer = await self._invoke("getYearDaySchedule", place)
                if answer is not None:
                    return "shown" if shows(answer, wanted) else "no"
        except CallFailed as error:
            raise CallFailed(replace(error.failure, fate=Fate.IN_DOUBT)) from None
        return "no"

    def _believed(self, result: object) -> object:
        """The status of an answer; a success counts as none where the lock's Supervision is not honest (A7)."""
        status = _status(result)
        return None if status == SupervisionStatus.SUCCESS and not self._is_honest else status

    async def _erase(self, slot: Slot, schedule_slot: int) -> object:
        return await self._invoke("setYearDaySchedule", {"userId": int(slot), "slotId": schedule_slot})

    async def _remembered(self, slot: Slot, schedule_slot: int) -> object:
        key = cache_key(slot, schedule_slot)
        return await self._calls.known(CommandClass.SCHEDULE_ENTRY_LOCK, "schedule", key)

    async def _invoke(self, method: str, *arguments: object) -> object:
        return await self._calls.invoke(CommandClass.SCHEDULE_ENTRY_LOCK, method, arguments)


def _moment(end: str, at: Instant) -> YearDay:
    moment = _EPOCH + timedelta(milliseconds=at)
    if not CENTURY <= moment.year < CENTURY + 100:
        msg = f"a schedule of this lock lies between {CENTURY} and {CENTURY + 99}"
        raise Unsupported(msg)
    numbers = (moment.year - CENTURY, moment.month, moment.day, moment.hour, moment.minute)
    return {f"{end}{part}": number for part, number in zip(_PARTS, numbers, strict=True)}


def _status(result: object) -> object:
    return result.get("status") if isinstance(result, Mapping) else None


def _with_window(answer: WriteAnswer, effective: Window) -> WriteAnswer:
    return Written(answer.evidence, effective) if isinstance(answer, Written) else answer
