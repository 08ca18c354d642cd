"""Times as people type them, in the property's zone, with both folds and the gap of daylight saving (T5). Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Instant, format_instant, parse_instant
from gateway.planner.explain import local_time, relative

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?")
_AHEAD = re.compile(r"\+(?=\d)(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?:in)?)?(?:(\d{1,7})s)?")

TIME_RULE = "write 2027-01-31T15:00:00Z, '2027-01-31 15:00' in the property's zone, or +2h"


DATED_RULE = "write the time itself with its date, such as '2027-01-31 15:00'"


class NowUnknownError(ValueError):
    """A time was given by how far from now it is, and now is not known."""


class Edge(StrEnum):
    """Which end of a stay a time is; it decides which of two equal local times is meant."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Understood:
    """The instant that was understood; `remark` says what was chosen where local time leaves a choice."""

    at: Instant
    remark: str = ""

    def told(self, now: Instant | None, zone: ZoneInfo) -> str:
        """The instant for a person, local and UTC, and the remark; with its whole date while `now` is not known."""
        text = f"{local_time(self.at, now or Instant(0), zone)} {zone.key} = {format_instant(self.at)}"
        text += "" if now is None else f", {relative(self.at, now)}"
        return f"{text}; {self.remark}" if self.remark else text


def known_now(reading: ClockReading) -> Instant | None:
    """What times from now are counted from; None while time is untrusted, for `lo` may lag by days then (T1, T2)."""
    return None if reading.trust is ClockTrust.UNTRUSTED else reading.lo


def parse_time(text: str, edge: Edge, now: Instant | None, zone: ZoneInfo) -> Understood:
    """Read a time. Raises `ValueError`, which does not repeat the text, when it is none.

    Raises `NowUnknownError` when it is counted from `now` and that is None.
    """
    if ahead := _AHEAD.fullmatch(text):
        if now is None:
            raise NowUnknownError(DATED_RULE)
        days, hours, minutes, seconds = (int(part or 0) for part in ahead.groups())
        return Understood(Instant(now + days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS))
    try:
        if _LOCAL.fullmatch(text):
            return _local(datetime.fromisoformat(text), edge, zone)
        return Understood(parse_instant(text))
    except (ValueError, OverflowError):
        raise ValueError(TIME_RULE if now is not None else DATED_RULE) from None


def _local(naive: datetime, edge: Edge, zone: ZoneInfo) -> Understood:
    first, second = (_instant(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first < second:
        chosen, word = (first, "first") if edge is Edge.START else (second, "second")
        return Understood(chosen, f"the clocks pass it twice, the {edge.value} takes the {word} one")
    if first > second:
        # The fold-0 reading of a local time in a gap lies after the gap, the fold-1 reading before it (PEP 495).
        return Understood(_jump(second, first, zone), "the clocks skip it, the first instant after is taken")
    if first < 0:
        raise ValueError(TIME_RULE)
    return Understood(first)


def _jump(before: Instant, after: Instant, zone: ZoneInfo) -> Instant:
    offset = _moment(after, zone).utcoffset()
    while after - before > 1:
        middle = Instant((before + after) // 2)
        if _moment(middle, zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _moment(at: Instant, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def _instant(moment: datetime) -> Instant:
    return Instant((moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1))
