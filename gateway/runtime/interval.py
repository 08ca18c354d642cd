"""Wall time as an interval with a level (T1), a guard against jumps (T3), and time by other ways while in doubt (T2).

Theory. `lo` is an instant that has surely passed. It rises with uptime less 100 ppm, is pulled forward by a wall clock that
the time service vouches for, and never goes back; `hi` rises a little faster than uptime. So a forward step of the wall
clock shows as wall time above `hi`. The first word of the time service after a start is no step: until then nobody knew
better. A later one is held: `lo` stays where uptime has brought it, hence nothing is removed and nothing starts by the new
time, until whoever judges the step takes it, or half an hour has passed. Uptime counts suspended time too.

A restart of the process is no start of the machine: an anchor that was kept in the same boot says what was known at which
uptime, so what has passed since is reckoned as if the process had lived on, and a step that is held stays held.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.clock import ClockAnchor, ClockReading, ClockStep, ClockTrust
from gateway.model.instant import MINUTE_MS, Instant

DRIFT = 100e-6
"""Worst drift of a free-running crystal that we reckon with: 100 ppm, 9 s a day (T1)."""

STEP_MS = MINUTE_MS
"""A smaller step is a correction: less than the grain of the locks' own windows, and nobody's stay hangs on it."""

HOLD_MAX_MS = 30 * MINUTE_MS
"""A step is held no longer than this (T3)."""


class ClockSources(Protocol):
    """What a machine knows about time."""

    def wall_ms(self) -> int:
        """The wall clock in UTC milliseconds, whoever set it."""
        ...

    def uptime_s(self) -> float:
        """Seconds since some instant, in step with real time, never back, suspended time counted."""
        ...

    def is_synced(self) -> bool:
        """Whether a time service vouches for the wall clock now."""
        ...


@dataclass(frozen=True, slots=True)
class KeptTime:
    """What an earlier life of the hub left on disk: the mark, since when it did not know the time, and its anchor."""

    high_water: Instant
    untrusted_since: Instant | None = None
    anchor: ClockAnchor | None = None


class IntervalClock:
    """The Clock port over any sources. `boot` names this boot of the machine; empty when it cannot be told from others."""

    def __init__(self, sources: ClockSources, kept: KeptTime, boot: str = "") -> None:
        self._sources = sources
        self._boot = boot
        self._lo = self._hi = float(kept.high_water)
        self._untrusted_since = kept.high_water if kept.untrusted_since is None else kept.untrusted_since
        self._since_s = sources.uptime_s()
        self._was_synced = self._is_bounded = False
        self._held_since_s: float | None = None
        self._is_step_taken = False
        anchor = kept.anchor
        if anchor is not None and anchor.boot == boot != "" and anchor.uptime_s <= self._since_s:
            self._go_on_from(anchor)

    def _go_on_from(self, anchor: ClockAnchor) -> None:
        elapsed_ms = (self._since_s - anchor.uptime_s) * 1000
        self._lo = max(self._lo, anchor.lo + elapsed_ms * (1 - DRIFT))
        self._hi = max(self._lo, anchor.hi + elapsed_ms * (1 + DRIFT))
        self._was_synced, self._is_bounded = anchor.is_synced, anchor.is_bounded
        self._held_since_s = anchor.held_since_s

    def anchor(self) -> ClockAnchor | None:
        """What a later process of this boot goes on from."""
        if not self._boot:
            return None
        self.reading()
        return ClockAnchor(
            self._boot, self._since_s, self._lo, self._hi, self._was_synced, self._is_bounded, self._held_since_s
        )

    def reading(self) -> ClockReading:
        """What is believed about wall time now."""
        now_s = self._sources.uptime_s()
        elapsed_ms = (now_s - self._since_s) * 1000
        self._since_s = now_s
        self._lo += elapsed_ms * (1 - DRIFT)
        self._hi += elapsed_ms * (1 + DRIFT)
        is_synced = self._sources.is_synced()
        if is_synced and not self._is_held(now_s):
            self._lo = max(self._lo, float(self._sources.wall_ms()))
            self._hi = self._lo
            self._was_synced = True
        if not is_synced:
            self._held_since_s = None
        lo = Instant(int(self._lo))
        trust = self._trust(is_synced=is_synced)
        since = self._untrusted_since if trust is ClockTrust.UNTRUSTED else None
        # Nobody knows a bound in doubt: the wall clock is as good a guess as any.
        hi = self._sources.wall_ms() if trust is ClockTrust.UNTRUSTED else int(self._hi)
        return ClockReading(lo, Instant(max(lo, hi)), trust, since)

    def step(self) -> ClockStep | None:
        """The forward step that is held now, or None."""
        reading = self.reading()
        if self._held_since_s is None:
            return None
        left_ms = HOLD_MAX_MS - int((self._sources.uptime_s() - self._held_since_s) * 1000)
        return ClockStep(reading.lo, Instant(self._sources.wall_ms()), Instant(reading.lo + max(left_ms, 0)))

    def take_step(self) -> None:
        """Believe the step that is held: it is harmless, or a person confirmed it."""
        self._is_step_taken = self._held_since_s is not None

    def bound(self, at: Instant, slack_ms: int) -> bool:
        """Hear of the time by another way, right to `slack_ms`; returns whether that was of use.

        Not while the time service vouches for the wall clock, and not when it lies before what has surely passed: `lo` never
        goes back (T1).
        """
        reading = self.reading()
        if reading.trust is ClockTrust.TRUSTED or at + slack_ms < reading.lo:
            return False
        self._lo = max(self._lo, float(at - slack_ms))
        self._hi = float(max(at + slack_ms, reading.lo))
        self._is_bounded = True
        return True

    def _is_held(self, now_s: float) -> bool:
        is_ahead = self._was_synced and self._sources.wall_ms() > self._hi + STEP_MS
        if not is_ahead or self._is_step_taken:
            self._held_since_s, self._is_step_taken = None, False
            return False
        if self._held_since_s is None:
            self._held_since_s = now_s
        is_over = (now_s - self._held_since_s) * 1000 >= HOLD_MAX_MS
        if is_over:
            self._held_since_s = None
        return not is_over

    def _trust(self, *, is_synced: bool) -> ClockTrust:
        if is_synced and self._held_since_s is None:
            return ClockTrust.TRUSTED
        is_known = self._was_synced or self._is_bounded
        return ClockTrust.BOUNDED if is_known else ClockTrust.UNTRUSTED
