"""What the way to a lock costs, measured: how many calls fail, and how long a write takes (A4, A5)."""

from dataclasses import dataclass
from typing import Self

from gateway.model.instant import HOUR_MS, MINUTE_MS, SECOND_MS

CALLS_KEPT = 64
"""Both counts are halved here, so that last month's weather is forgotten after some hundred calls."""

CALLS_TELLING = 8
"""Fewer calls tell nothing about a link."""

LONGEST_LEAD_MS = 2 * HOUR_MS
"""A weak link makes the lead longer, at most up to this (A4)."""

LEAD_PER_FAILURE = 6
"""How much of the lead is added for the share of calls that fail: at one in two a lead of 30 min becomes 2 h. Retries wait
15 s, 30 s, 1 min … 30 min (A8), so a lead four times as long holds five more tries."""

LEAD_STEP_MS = 15 * MINUTE_MS
"""A lead grows and shrinks by so much. One that followed each call would open a code, be shortened by the very answer to its first
look, and shut it again: dozens of looks and no write (found by ten thousand bookings)."""

FIRST_WRITE_MS = 10 * SECOND_MS
"""What a write is taken to need while it was never measured: a beam, a write and its proof, three times over (our
measurement on simulated S2 locks: 1.2 to 3 s)."""

SHORTEST_STRICT_MS = 2 * SECOND_MS


@dataclass(frozen=True, slots=True)
class Link:
    """Decaying counts of calls and of those that failed; mean and mean deviation of a proven write in milliseconds."""

    calls: int = 0
    failures: int = 0
    write_ms: int = 0
    spread_ms: int = 0

    def called(self, *, failed: bool) -> Self:
        """One more call. A long row without a failure says what it says: it is not counted on, so that nothing need be stored."""
        calls, failures = (self.calls, self.failures)
        if calls >= CALLS_KEPT:
            if failures == 0 and not failed:
                return self
            calls, failures = calls // 2, failures // 2
        return type(self)(calls + 1, failures + failed, self.write_ms, self.spread_ms)

    def wrote(self, took_ms: int) -> Self:
        """A write went through in this time. Smoothed as TCP does it (RFC 6298 2.3: weights 1/8 and 1/4)."""
        if self.write_ms == 0:
            return type(self)(self.calls, self.failures, max(took_ms, 1), took_ms // 2)
        spread_ms = (3 * self.spread_ms + abs(self.write_ms - took_ms)) // 4
        return type(self)(self.calls, self.failures, max((7 * self.write_ms + took_ms) // 8, 1), spread_ms)

    def lead_ms(self, configured_ms: int) -> int:
        """The just-in-time lead on this link (A4): never shorter than configured."""
        if self.calls < CALLS_TELLING:
            return configured_ms
        more_ms = configured_ms * LEAD_PER_FAILURE * self.failures // self.calls
        return max(configured_ms, min(configured_ms + more_ms // LEAD_STEP_MS * LEAD_STEP_MS, LONGEST_LEAD_MS))

    def strict_lead_ms(self, lead_ms: int) -> int:
        """How long before its start a code with a strict start is written (A5): what a slow write takes, at most the lead.

        Mean and four deviations, as TCP waits for an answer (RFC 6298 2.3).
        """
        needed_ms = FIRST_WRITE_MS if self.write_ms == 0 else self.write_ms + 4 * self.spread_ms
        return min(max(needed_ms, SHORTEST_STRICT_MS), lead_ms)


UNMEASURED = Link()
"""A link that nothing was ever sent over."""
