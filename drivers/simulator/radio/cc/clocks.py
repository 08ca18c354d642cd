"""Three classes about one clock: Time Parameters (0x8B, UTC), Time (0x8A, local), Clock (0x81, local, without a date)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drivers.simulator.lock.clock import Offsets, Turn
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.radio.cc.answer import DONE, FAILED, UNSUPPORTED, Answer
from drivers.simulator.radio.cc.names import ClassId
from drivers.simulator.radio.cc.time_offset import OFFSET_BYTES, offset_bytes, parse_offset

YEARS = range(1971, 2199)
"""Years that the lock's calendar can show."""

CLOCK_LOST = 0x80
"""Flag of a Time Report: the clock stopped and nobody set it since (CC:008A.01.02.11.001)."""

HOUR_MASK = 0x1F
V2 = 2


@dataclass(frozen=True, slots=True)
class TimeParameters:
    """Tells and takes UTC, with the date."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.TIME_PARAMETERS

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        match command:
            case 0x01:
                moment = _moment(body)
                if moment is None:
                    return FAILED
                self.firmware.set_clock(moment.timestamp(), at)
                return DONE
            case 0x02:
                now = self.firmware.clock.utc(at)
                fields = [now.month, now.day, now.hour, now.minute, now.second]
                return Answer(reports=(bytes([self.identifier, 0x03]) + now.year.to_bytes(2) + bytes(fields),))
            case _:
                return UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Time:
    """Tells local time and date; version 2 takes the offset from UTC with the turns of summer time."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.TIME

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        clock = self.firmware.clock
        wall = clock.local(at)
        match command:
            case 0x01:
                lost = 0 if clock.is_set else CLOCK_LOST
                return self._report(0x02, bytes([lost | wall.hour, wall.minute, wall.second]))
            case 0x03:
                return self._report(0x04, wall.year.to_bytes(2) + bytes([wall.month, wall.day]))
            case 0x05 if self.version >= V2:
                return self._set_offset(body)
            case 0x06 if self.version >= V2:
                begins, ends = clock.offsets.summer or (NO_TURN, NO_TURN)
                return self._report(0x07, offset_bytes(clock.offsets) + bytes([*begins, *ends]))
            case _:
                return UNSUPPORTED

    def _set_offset(self, body: bytes) -> Answer:
        turns = body[OFFSET_BYTES : OFFSET_BYTES + 6]
        if len(turns) < 6:
            return FAILED
        begins, ends = Turn(*turns[:3]), Turn(*turns[3:])
        offsets = parse_offset(body, None if begins == ends else (begins, ends))
        if offsets is None or not (begins == ends or (_is_turn(begins) and _is_turn(ends))):
            return FAILED
        self.firmware.clock.offsets = Offsets(offsets.standard_min, offsets.summer_min, offsets.summer)
        return DONE

    def _report(self, command: int, body: bytes) -> Answer:
        return Answer(reports=(bytes([self.identifier, command]) + body,))


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells and takes local time of the week: 1 is Monday, 7 is Sunday."""

    firmware: Firmware
    version: int
    identifier: int = ClassId.CLOCK

    def answer(self, command: int, body: bytes, at: float) -> Answer:
        """Execute one command."""
        match command:
            case 0x04:
                return self._set(body, at)
            case 0x05:
                wall = self.firmware.clock.local(at)
                report = bytes([self.identifier, 0x06, wall.isoweekday() << 5 | wall.hour, wall.minute])
                return Answer(reports=(report,))
            case _:
                return UNSUPPORTED

    def _set(self, body: bytes, at: float) -> Answer:
        if len(body) < 2:
            return FAILED
        weekday, hour, minute = body[0] >> 5, body[0] & HOUR_MASK, body[1]
        if not weekday or hour > 23 or minute > 59:
            return FAILED
        # No date comes with it: the nearest day of that name is meant.
        wall = self.firmware.clock.local(at)
        days = (weekday - wall.isoweekday() + 3) % 7 - 3
        told = (wall + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.firmware.set_local_clock(told, at)
        return DONE


NO_TURN = Turn(0, 0, 0)
"""How a report says that there is no summer time."""


def _is_turn(turn: Turn) -> bool:
    return 1 <= turn.month <= 12 and 1 <= turn.day <= 31 and turn.hour <= 23


def _moment(body: bytes) -> datetime | None:
    """Read year, month, day, hour, minute and second; None when cut short or no moment."""
    if len(body) < 7:
        return None
    year, month, day, hour, minute, second = int.from_bytes(body[:2]), *body[2:7]
    if year not in YEARS or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
