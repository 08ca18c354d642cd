"""The part of the messages door that concerns time: schedules of one lock, and its clock, as Z-Wave JS 15.29 speaks of them.

Z-Wave JS remembers a schedule when the lock took it, and whether a user goes by schedules; both are asked for by a client.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from drivers.simulator.doors.mirror import Json, Mirror, Unspeakable
from drivers.simulator.lock.clock import CENTURY, Minute, Offsets
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.schedule import Kind, YearDay
from drivers.simulator.lock.values import WriteResult
from drivers.simulator.radio.cc.names import ClassId

YEAR_DAY_KEY = 1
"""`ScheduleEntryLockScheduleKind.YearDay`, the upper part of a remembered schedule's key."""

_PARTS = ("Year", "Month", "Day", "Hour", "Minute")

type Change = Callable[[float], WriteResult]
type Question = Callable[[float], Json | None]


class Timetable:
    """Schedule Entry Lock of one node: what its methods do to the firmware, and what is remembered of them."""

    def __init__(self, mirror: Mirror) -> None:
        """Nothing was asked yet, so nothing is remembered but the count of slots."""
        self._mirror = mirror
        self._firmware: Firmware = mirror.firmware
        mirror.remember(ClassId.SCHEDULE_ENTRY_LOCK, "numYearDaySlots", None, self._firmware.model.year_day_slots)

    def change(self, method: str, arguments: Sequence[object]) -> tuple[Change, Callable[[], None]] | None:
        """A command that changes the lock, and what to remember when it went through; None for another kind of method."""
        match method, list(arguments):
            case "setYearDaySchedule", [{"userId": int(user), "slotId": int(slot)}]:
                return (
                    lambda at: self._firmware.erase_schedule(user, Kind.YEAR_DAY, slot, at),
                    lambda: self._remember(user, slot, None),
                )
            case "setYearDaySchedule", [{"userId": int(user), "slotId": int(slot)}, Mapping() as wanted]:
                bounds = YearDay(_minute(wanted, "start"), _minute(wanted, "stop"))
                return (
                    lambda at: self._firmware.put_schedule(user, slot, bounds, at),
                    lambda: self._remember(user, slot, wanted),
                )
            case "setEnabled", [bool(is_enabled), int(user)]:
                return (
                    lambda at: self._firmware.bind(user, at, is_bound=is_enabled),
                    lambda: self._mirror.remember(ClassId.SCHEDULE_ENTRY_LOCK, "userEnabled", user, is_enabled),
                )
            case "setTimezone", [{"standardOffset": int(standard), "dstOffset": int(summer)}]:
                return lambda _at: self._set_zone(Offsets(standard, summer - standard)), lambda: None
            case _:
                return None

    def question(self, method: str, arguments: Sequence[object]) -> Question | None:
        """A command that only asks; the answer is None for an empty schedule. None for another kind of method."""
        match method, list(arguments):
            case "getYearDaySchedule", [{"userId": int(user), "slotId": int(slot)}]:
                return lambda _at: self._shown(user, slot)
            case "getTimezone", []:
                return lambda _at: self._zone()
            case _:
                return None

    def clock(self, at: float) -> Json:
        """The lock's time as `get_date_and_time` gives it."""
        shown = self._firmware.clock.utc(at)
        named: Json = {"year": shown.year, "month": shown.month, "day": shown.day}
        return {**named, "hour": shown.hour, "minute": shown.minute, "second": shown.second}

    def set_clock(self, text: str, at: float) -> WriteResult:
        """Take over the time of `set_date_and_time`, cut to the second. Raises `Unspeakable` for what is no time."""
        try:
            wanted = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise Unspeakable from None
        self._firmware.set_clock(wanted.replace(microsecond=0).timestamp(), at)
        return WriteResult()

    def _set_zone(self, offsets: Offsets) -> WriteResult:
        self._firmware.clock.offsets = offsets
        return WriteResult()

    def _zone(self) -> Json:
        offsets = self._firmware.clock.offsets
        return {"standardOffset": offsets.standard_min, "dstOffset": offsets.standard_min + offsets.summer_min}

    def _shown(self, user: int, slot: int) -> Json | None:
        found = self._firmware.schedules.get(user, Kind.YEAR_DAY, slot)
        return None if not isinstance(found, YearDay) else _plain("start", found.start) | _plain("stop", found.stop)

    def _remember(self, user: int, slot: int, wanted: Mapping[str, object] | None) -> None:
        key = YEAR_DAY_KEY << 16 | user << 8 | slot
        self._mirror.remember(ClassId.SCHEDULE_ENTRY_LOCK, "schedule", key, False if wanted is None else dict(wanted))
        if wanted is not None:
            self._mirror.remember(ClassId.SCHEDULE_ENTRY_LOCK, "userEnabled", user, True)


def _minute(wanted: Mapping[str, object], end: str) -> Minute:
    """One end of a schedule; raises `Unspeakable` when a part is missing."""
    numbers = [wanted.get(f"{end}{part}") for part in _PARTS]
    whole = [number for number in numbers if isinstance(number, int)]
    if len(whole) < len(_PARTS):
        raise Unspeakable
    year, month, day, hour, minute = whole
    return Minute(CENTURY + year, month, day, hour, minute)


def _plain(end: str, minute: Minute) -> Json:
    numbers = (minute.year - CENTURY, *minute[1:])
    return {f"{end}{part}": number for part, number in zip(_PARTS, numbers, strict=True)}
