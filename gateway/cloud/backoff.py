"""How long to wait before the next connect (full jitter: the whole delay is drawn, so that hubs do not come in step)."""

from dataclasses import dataclass

from gateway.ports import Entropy

FIRST_S = 1.0
LONGEST_S = 300.0
"""Bounds of the delay: a blip is over in a second, a fleet behind a dead broker knocks at most every five minutes each."""

STEADY_S = 30.0
"""A connection that lived this long starts the delays from the beginning."""

BUSY_STEPS = 5
"""A broker that asks for peace is given at least this many doublings."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Bounds of the delay in seconds; tests and the demo shorten them."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S


class Backoff:
    """Delays that double, drawn anew each time between nothing and the bound."""

    def __init__(self, pace: Pace, entropy: Entropy) -> None:
        self._pace = pace
        self._entropy = entropy
        self._failures = 0

    def next_s(self, *, is_busy: bool = False) -> float:
        """The next delay in seconds."""
        if is_busy:
            self._failures = max(self._failures, BUSY_STEPS)
        bound = min(self._pace.longest_s, self._pace.first_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return bound * self._entropy.fraction()

    def reset(self) -> None:
        """Begin with the shortest delay again."""
        self._failures = 0
