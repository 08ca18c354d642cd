"""Schedule Entry Lock (0x4E) versions 1 to 3: schedules on the air (CC:004E).

Years are two digits, and FF stands in every field of a schedule slot that is empty. Version 2 brought the time offset, version 3
daily repeating schedules.
"""

from dataclasses import dataclass

from drivers.simulator.lock.clock import CENTURY, Minute
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.schedule import Daily, Kind, Schedule, WeekDay, YearDay
from drivers.simulator.lock.values import WriteResult
from drivers.simulator.radio.cc.answer import FAILED, UNSUPPORTED, Answer, Outcome
from drivers.simulator.radio.cc.names import ClassId
from drivers.simulator.radio.cc.time_offset import offset_bytes, parse_offset

ERASE, MODIFY = 0x00, 0x01
"""Actions of the set commands."""

EVERY_SLOT = 0x00
"""As the slot of an erasure: all of the user's schedules of the kind."""

EMPTY_FIELD = 0xFF

FIELDS: dict[Kind, int] = {Kind.WEEK_DAY: 5, Kind.YEAR_DAY: 10, Kind.DAILY: 5}
"""Bytes of one schedule of each kind."""

SETS: dict[int, Kind] = {0x03: Kind.WEEK_DAY, 0x06: Kind.YEAR_DAY, 0x10: Kind.DAILY}
GETS: dict[int, Kind] = {0x04: Kind.WEEK_DAY, 0x07: Kind.YEAR_DAY, 0x0E: Kind.DAILY}
REPORTS: dict[Kind, int] = {Kind.WEEK_DAY: 0x05, Kind.YEAR_DAY: 0x08, Kind.DAILY: 0x0F}

V2, V3 = 2, 3
SINCE: dict[int, int] = {0x0B: V2, 0x0D: V2, 0x0E: V3, 0x10: V3}
"""The version that brought a command; all others are of version 1."""


@dataclass(frozen=True, slots=True)
class ScheduleEntryLock:
    """Translates schedule commands to one lock's firmware."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.SCHEDULE_ENTRY_LOCK

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        if self.version < SINCE.get(command, 1):
            return UNSUPPORTED
        match command:
            case 0x01:
                return FAILED if len(body) < 2 else self._bind(body[0], body[1], at)
            case 0x02:
                return FAILED if not body else self._bind(None, body[0], at)
            case _ if command in SETS:
                return self._set(SETS[command], body, at)
            case _ if command in GETS:
                return self._get(GETS[command], body)
            case 0x09:
                return self._supported()
            case 0x0B:
                return self._report(0x0C, offset_bytes(self.firmware.clock.offsets))
            case 0x0D:
                return self._set_offset(body)
            case _:
                return UNSUPPORTED

    def _bind(self, user_id: int | None, flag: int, at: float) -> Answer:
        if flag not in (0, 1):
            return FAILED
        return _settled(self.firmware.bind(user_id, at, is_bound=bool(flag)))

    def _set(self, kind: Kind, body: bytes, at: float) -> Answer:
        if len(body) < 3:
            return FAILED
        action, user_id, slot, fields = body[0], body[1], body[2], body[3:]
        if action == ERASE:
            return _settled(self.firmware.erase_schedule(user_id, kind, None if slot == EVERY_SLOT else slot, at))
        if action != MODIFY or len(fields) < FIELDS[kind]:
            return FAILED
        return _settled(self.firmware.put_schedule(user_id, slot, parse_schedule(kind, fields), at))

    def _get(self, kind: Kind, body: bytes) -> Answer:
        if len(body) < 2 or not self.firmware.schedules.has(kind, body[1]):
            return FAILED
        held = self.firmware.schedules.get(body[0], kind, body[1])
        fields = bytes([EMPTY_FIELD]) * FIELDS[kind] if held is None else schedule_bytes(held)
        return self._report(REPORTS[kind], body[:2] + fields)

    def _supported(self) -> Answer:
        model = self.firmware.model
        counts = [model.week_day_slots, model.year_day_slots]
        return self._report(0x0A, bytes([*counts, model.daily_slots] if self.version >= V3 else counts))

    def _set_offset(self, body: bytes) -> Answer:
        clock = self.firmware.clock
        offsets = parse_offset(body, clock.offsets.summer)
        if offsets is None:
            return FAILED
        clock.offsets = offsets
        return Answer()

    def _report(self, command: int, body: bytes) -> Answer:
        return Answer(reports=(bytes([self.identifier, command]) + body,))


def parse_schedule(kind: Kind, fields: bytes) -> Schedule:
    """Read the fields of a schedule as they stand; whether they make sense the firmware judges."""
    match kind:
        case Kind.YEAR_DAY:
            return YearDay(_minute(fields[:5]), _minute(fields[5:10]))
        case Kind.WEEK_DAY:
            return WeekDay(fields[0], _minutes(fields[1:3]), _minutes(fields[3:5]))
        case Kind.DAILY:
            days = frozenset(day for day in range(8) if fields[0] >> day & 1)
            return Daily(days, _minutes(fields[1:3]), _minutes(fields[3:5]))


def schedule_bytes(schedule: Schedule) -> bytes:
    """Write the fields of a schedule, which is sound."""
    match schedule:
        case YearDay(start, stop):
            return bytes([start.year - CENTURY, *start[1:], stop.year - CENTURY, *stop[1:]])
        case WeekDay(day, start_min, stop_min):
            return bytes([day, *divmod(start_min, 60), *divmod(stop_min, 60)])
        case Daily(days, start_min, duration_min):
            return bytes([sum(1 << day for day in days), *divmod(start_min, 60), *divmod(duration_min, 60)])


def _minute(fields: bytes) -> Minute:
    return Minute(CENTURY + fields[0], *fields[1:5])


NO_TIME = -1


def _minutes(fields: bytes) -> int:
    """Hours and minutes as minutes; below 0 when the minutes are none, which no schedule takes."""
    return fields[0] * 60 + fields[1] if fields[1] < 60 else NO_TIME


def _settled(result: WriteResult) -> Answer:
    return Answer(Outcome.SUCCESS if result.claims_success else Outcome.FAIL)
