"""Wall time in the virtual world: what is true, and what the hub can know of it.

The hub has no battery for its clock. After a power cut it starts at the mark it kept on disk, in doubt, until the time
service has reached it again; the rules are those of the real clock (T1).
"""

from collections.abc import Callable

from gateway.model.clock import ClockReading, ClockTrust
from gateway.model.instant import Instant, parse_instant
from gateway.runtime.clock import DRIFT

BEGINNING = parse_instant("2027-03-01T00:00:00Z")
"""When every world begins: a Monday, with a change to summer time four weeks on."""


class TrueTime:
    """What an atomic clock beside the hub would show."""

    def __init__(self, loop_time: Callable[[], float]) -> None:
        self.loop_time = loop_time

    def now(self) -> Instant:
        return Instant(BEGINNING + int(self.loop_time() * 1000))


class HubClock:
    """The Clock port of one life of the hub. `is_synced` is whether the time service is heard now."""

    def __init__(self, true: TrueTime, high_water: Instant, *, is_synced: bool) -> None:
        self._true = true
        self._lo = float(high_water)
        self._lo_since_s = true.loop_time()
        self._was_synced = False
        self.is_synced = is_synced

    def reading(self) -> ClockReading:
        now_s = self._true.loop_time()
        self._lo += (now_s - self._lo_since_s) * 1000 * (1 - DRIFT)
        self._lo_since_s = now_s
        if self.is_synced:
            self._was_synced = True
            self._lo = max(self._lo, float(self._true.now()))
        lo = Instant(int(self._lo))
        return ClockReading(lo, lo, self.trust)

    @property
    def trust(self) -> ClockTrust:
        if self.is_synced:
            return ClockTrust.TRUSTED
        return ClockTrust.BOUNDED if self._was_synced else ClockTrust.UNTRUSTED
