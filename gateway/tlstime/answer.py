"""What web servers say of the time: one answer, and what several of them agree on. Pure.

The `Date` of an answer is when the server made it, in whole seconds (RFC 9110, 6.6.1). It was made between the question and the
answer's arrival, so true time at the arrival lies in `[Date, Date + 1 s + the time between]`, give or take the server's own error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from gateway.model.instant import SECOND_MS, Instant
from gateway.model.lock_clock import TimeTold

SERVER_SLACK_MS = 10 * SECOND_MS
"""How far a public server's own clock may be off. They are kept by time services within milliseconds; the number is ours, and far
below a minute, the grain of the locks' windows."""


class NotTold(ValueError):  # noqa: N818 - says what it means for the caller
    """The answer tells no time that could be believed; the text says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """True time lies in `[lo, hi]`, as far as this server knows."""

    lo: int
    hi: int

    def later(self, by_ms: int) -> "Span":
        """The same answer some time after it arrived."""
        return Span(self.lo + by_ms, self.hi + by_ms)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when the server's certificate holds, in UTC milliseconds."""

    begins_at: Instant
    ends_at: Instant


def span_of(head: bytes, took_ms: int, validity: Validity) -> Span:
    """Read the head of an answer that took `took_ms`. Raises `NotTold`.

    What came out of a cache is as old as the cache (RFC 9111, 5.1). Outside its certificate's own validity a server is not who it
    says it is: the chain was verified without looking at the hub's clock, which is what we ask about.
    """
    lines = head.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1."):
        raise NotTold("is no web server")
    fields = {
        name.strip().lower(): text.strip() for name, colon, text in (line.partition(":") for line in lines[1:]) if colon
    }
    if fields.get("age", "0") != "0":
        raise NotTold("answers from a cache")
    try:
        told = parsedate_to_datetime(fields.get("date", ""))
    except (ValueError, OverflowError):  # the latter for a number that no C integer holds
        raise NotTold("tells no date") from None
    date_ms = round(told.replace(tzinfo=told.tzinfo or UTC).timestamp() * SECOND_MS)
    if not validity.begins_at <= date_ms <= validity.ends_at:
        raise NotTold("tells a date outside its own certificate's validity")
    return Span(date_ms - SERVER_SLACK_MS, date_ms + SECOND_MS + took_ms + SERVER_SLACK_MS)


def agreed(spans: Sequence[Span], asked: int) -> TimeTold | None:
    """What most of the servers that answered say, and at least two where more than one is asked; None when they do not agree."""
    if not spans:
        return None
    groups = [[other for other in spans if other.lo <= each.lo <= other.hi] for each in spans]
    largest = max(groups, key=len)
    if len(largest) < min(asked, 2) or 2 * len(largest) <= len(spans):
        return None
    lo, hi = max(span.lo for span in largest), min(span.hi for span in largest)
    return TimeTold(Instant((lo + hi) // 2), (hi - lo + 1) // 2)
