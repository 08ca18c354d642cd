"""When to try again (A8)."""

from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant
from gateway.model.snapshot import Effort

FIRST_WAIT_MS = 15 * SECOND_MS
LONGEST_WAIT_MS = 30 * MINUTE_MS
"""15 s, 30 s, 1 min … 30 min (A8)."""

REPEATS_PER_DAY = 40
REPEATS_KEPT_FOR_LEAD = 10
"""Budget of repeat tries per code and day, and what a code inside its lead always has left (A8)."""

REMOVAL_WAIT_MS = MINUTE_MS
REMOVAL_HURRY_TRIES = 30
"""A code that must go is hunted every minute at least for the first half hour (A9: two minutes on a reachable lock), then
at the pace of the others: a lock that hears but cannot answer would be woken all day."""

REPLACEMENT_HURRY_TRIES = 15
"""A write that would take an earlier PIN off is hunted every minute as well, for a quarter of an hour: later the old PIN costs no more
than the day's budget, which has to last (A8)."""

JITTER = 0.2
"""Waits are stretched by up to this share, so that several locks do not fall into step."""


def wait_ms(tries: int, chance: float) -> int:
    """How long to wait after `tries` tries that led nowhere (at least 1). `chance` in [0, 1) is the worker's jitter."""
    doublings = min(max(tries - 1, 0), 16)
    return int(min(FIRST_WAIT_MS << doublings, LONGEST_WAIT_MS) * (1 + JITTER * chance))


def removal_wait_ms(tries: int, chance: float, *, is_answering: bool) -> int:
    """How long a removal waits after `tries` tries that led nowhere. A lock that answers is asked every minute (A9)."""
    wait = wait_ms(tries, chance)
    is_hurried = is_answering or tries <= REMOVAL_HURRY_TRIES
    return min(wait, REMOVAL_WAIT_MS) if is_hurried else wait


def replacement_wait_ms(tries: int, chance: float) -> int:
    """How long a write over an earlier PIN or window of the code waits after `tries` tries that led nowhere: it still opens (A9)."""
    wait = wait_ms(tries, chance)
    return min(wait, REMOVAL_WAIT_MS) if tries <= REPLACEMENT_HURRY_TRIES else wait


def counted(effort: Effort | None, at: Instant) -> Effort:
    """One more repeat try on this day."""
    day = at // DAY_MS
    return Effort(day, 1 if effort is None or effort.day != day else effort.repeats + 1)


def open_again_at(effort: Effort | None, at: Instant, *, is_inside_lead: bool) -> Instant | None:
    """The instant from which the budget allows a repeat, or None when it allows one now."""
    limit = REPEATS_PER_DAY + (REPEATS_KEPT_FOR_LEAD if is_inside_lead else 0)
    if effort is None or effort.day != at // DAY_MS or effort.repeats < limit:
        return None
    return Instant((effort.day + 1) * DAY_MS)
