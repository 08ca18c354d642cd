"""Wall time in the virtual world: what is true, and what the hub can know of it.

The hub has no battery for its clock. After a power cut it starts at the mark it kept on disk, in doubt, until the time
service has reached it again; the rules are those of the real clock (T1).
"""

from collections.abc import Callable

from gateway.model.clock import ClockTrust
from gateway.model.instant import Instant, parse_instant
from gateway.runtime.interval import IntervalClock, KeptTime

BEGINNING = parse_instant("2027-03-01T00:00:00Z")
"""When every world begins: a Monday, with a change to summer time four weeks on."""


class TrueTime:
    """What an atomic clock beside the hub would show."""

    def __init__(self, loop_time: Callable[[], float]) -> None:
        self.loop_time = loop_time

    def now(self) -> Instant:
        return Instant(BEGINNING + int(self.loop_time() * 1000))


class HubClock(IntervalClock):
    """The Clock port of one life of the hub. `is_synced` is whether the time service is heard now.

    `error_ms` is how far the wall clock is off while somebody has set it wrongly, or the service lies.
    """

    def __init__(self, true: TrueTime, kept: KeptTime, *, is_synced: bool) -> None:
        self.sources = VirtualSources(true, is_synced=is_synced)
        super().__init__(self.sources, kept)

    @property
    def is_synced(self) -> bool:
        return self.sources.is_heard

    @is_synced.setter
    def is_synced(self, is_heard: bool) -> None:
        self.sources.is_heard = is_heard

    @property
    def trust(self) -> ClockTrust:
        return self.reading().trust


class VirtualSources:
    """The clocks of a hub in the virtual world."""

    def __init__(self, true: TrueTime, *, is_synced: bool) -> None:
        self._true = true
        self.is_heard = is_synced
        self.error_ms = 0

    def wall_ms(self) -> int:
        return self._true.now() + self.error_ms

    def uptime_s(self) -> float:
        return self._true.loop_time()

    def is_synced(self) -> bool:
        return self.is_heard
