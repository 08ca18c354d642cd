"""What we know of a lock's own clock, which decides when a code opens on a lock that keeps windows itself (T4)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from gateway.model.instant import DAY_MS, MINUTE_MS, SECOND_MS, Instant

CHECK_EVERY_MS = DAY_MS
"""A lock with windows on it, or about to get one, is asked for its time once a day: two messages. A crystal of 100 ppm is
off by 9 s then (T1's figure)."""

FRESH_MS = 2 * DAY_MS
"""No window is put on a lock whose clock was last seen right longer ago than this: one check may be missed."""

SET_ABOVE_MS = 5 * SECOND_MS
"""A clock that is further off is set: well above the second that Z-Wave clocks count in and a slow radio's answer."""

WRONG_ABOVE_MS = MINUTE_MS
"""Further off than this after it was set, a clock is wrong; found further off between checks, people hear of it."""


class ClockState(StrEnum):
    """How far a lock's clock can be relied on."""

    UNCHECKED = "unchecked"
    """Never asked, or something happened since that may have put it back, such as a change of batteries."""
    GOOD = "good"
    WRONG = "wrong"
    """It does not take the time."""
    UNREADABLE = "unreadable"
    """The lock, or its driver, has no way to ask for it."""


@dataclass(frozen=True, slots=True)
class LockClock:
    """The last check. `offset_ms` is the lock's time less ours as it was found, before it was set."""

    state: ClockState = ClockState.UNCHECKED
    checked_at: Instant | None = None
    offset_ms: int | None = None
    tries: int = 0
    next_try_at: Instant | None = None

    def is_good(self, now: Instant) -> bool:
        """Whether a window may be put on the lock now (T4)."""
        is_fresh = self.checked_at is not None and now - self.checked_at <= FRESH_MS
        return self.state is ClockState.GOOD and is_fresh

    def check_due_at(self, now: Instant) -> Instant | None:
        """When to ask the lock next, `now` at once; None when it cannot be asked."""
        if self.state is ClockState.UNREADABLE:
            return None
        is_due = self.state is ClockState.UNCHECKED or self.checked_at is None
        at = now if is_due or self.checked_at is None else Instant(self.checked_at + CHECK_EVERY_MS)
        return at if self.next_try_at is None else Instant(max(at, self.next_try_at))

    def checked(self, found_ms: int, left_ms: int, at: Instant) -> Self:
        """The lock told its time: `found_ms` off at first, `left_ms` after it was set (the same when it was not)."""
        state = ClockState.GOOD if abs(left_ms) <= WRONG_ABOVE_MS else ClockState.WRONG
        return type(self)(state, at, found_ms)

    def unanswered(self, next_try_at: Instant) -> Self:
        """The lock did not tell."""
        return replace(self, tries=self.tries + 1, next_try_at=next_try_at)

    def unreadable(self, at: Instant) -> Self:
        """There is no way to ask."""
        return type(self)(ClockState.UNREADABLE, at)

    def doubted(self) -> Self:
        """Something happened that may have put the clock back: ask at once. What is on the lock stays until then."""
        return replace(self, state=ClockState.UNCHECKED, tries=0, next_try_at=None)


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """The answer of a check: how far the lock's time was off ours in milliseconds, before and after it was set.

    `found_ms` is None when the lock has no readable clock.
    """

    found_ms: int | None
    left_ms: int = 0


@dataclass(frozen=True, slots=True)
class TimeTold:
    """What a lock's clock shows, for a hub that does not know the time: right to `slack_ms` as far as anybody can tell."""

    at: Instant
    slack_ms: int


AHEAD_MAX_MS = 30 * DAY_MS
"""A lock's clock this far ahead of what has surely passed is not believed: it may have been put anywhere."""

DRIFT_SHARE = 10_000
"""A clock that was seen right drifts by at most one part in this, 100 ppm, since (T1)."""


def witnessed(shown: Instant, right_at: Instant, lo: Instant) -> TimeTold | None:
    """What a clock that was seen right at `right_at` says of the time now; None when it cannot be believed."""
    slack_ms = WRONG_ABOVE_MS + max(shown - right_at, 0) // DRIFT_SHARE
    is_possible = shown >= right_at and shown + slack_ms >= lo
    return TimeTold(shown, slack_ms) if is_possible and shown - lo <= AHEAD_MAX_MS else None


NEVER_CHECKED = LockClock()
"""A clock that nobody ever asked."""
