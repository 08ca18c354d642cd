"""Instants and durations as whole milliseconds (T5).

An `Instant` is UTC milliseconds since 1970, the same number the store keeps. We chose an integer instead of `datetime`
because it cannot be naive, compares in nanoseconds of CPU time (the planner looks at hundreds of edges per decision)
and is rounded once, at the edge. We would change our mind if local wall times had to enter the core (A20): those
belong to a rule that carries a zone and yields instants.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)
"""UTC milliseconds since 1970-01-01T00:00:00Z."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LAST_INSTANT = Instant(253_402_300_799_999)
"""The last millisecond that RFC 3339 can write: 9999-12-31T23:59:59.999Z."""

SECONDS_KEPT = 64
"""Seconds that stay written out: what happens at one time is told with the same few instants again and again."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def parse_instant(text: str) -> Instant:
    """Read RFC 3339 with an offset; more than three decimals are cut.

    Raises `ValueError` when the text is no RFC 3339 instant, has no offset, or lies before 1970.
    """
    if not _RFC3339.fullmatch(text):
        msg = "not an RFC 3339 instant with an offset, such as 2027-01-31T15:00:00.000Z"
        raise ValueError(msg)
    moment = datetime.fromisoformat(text.upper())
    at = (moment - _EPOCH) // timedelta(milliseconds=1)
    if at < 0:
        msg = "an instant before 1970"
        raise ValueError(msg)
    return Instant(at)


def format_instant(at: Instant) -> str:
    """RFC 3339 in UTC with three decimals and `Z`, the only form we send (T5)."""
    return f"{_second(min(at, LAST_INSTANT) // SECOND_MS)}.{at % SECOND_MS:03d}Z"


@lru_cache(SECONDS_KEPT)
def _second(number: int) -> str:
    return (_EPOCH + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S")


def later(at: Instant, by_ms: int) -> Instant:
    """The instant `by_ms` milliseconds after `at` (before it when negative)."""
    return Instant(at + by_ms)
