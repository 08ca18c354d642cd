"""Wall time in the virtual world: what is true, and what the hub can know of it.

The hub has no battery for its clock. After a power cut its wall clock may show 1970, and it starts at the mark it kept on
disk, in doubt, until the time service has reached it again; the rules are those of the real clock (T1).
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


class VirtualSources:
    """The clocks of one boot of the hub: a crystal that runs a little wrong, a wall clock that may be set to anything.

    `is_heard` is whether the time service is heard now; `error_ms` how far the wall clock is off: because nobody has set it yet,
    or because the service itself is wrong.
    """

    def __init__(self, true: TrueTime, crystal_ppm: float, *, is_heard: bool) -> None:
        self._true = true
        self._rate = 1 + crystal_ppm * 1e-6
        self._booted_s = true.loop_time()
        self.is_heard = is_heard
        self.error_ms = 0

    def wall_ms(self) -> int:
        return self._true.now() + self.error_ms

    def uptime_s(self) -> float:
        return (self._true.loop_time() - self._booted_s) * self._rate

    def is_synced(self) -> bool:
        return self.is_heard


class HubClock(IntervalClock):
    """The Clock port of one life of the hub: the real one, on the clocks of this boot."""

    def __init__(self, sources: VirtualSources, kept: KeptTime, boot: str) -> None:
        self.sources = sources
        super().__init__(sources, kept, boot)

    @property
    def is_synced(self) -> bool:
        return self.sources.is_heard

    @is_synced.setter
    def is_synced(self, is_heard: bool) -> None:
        self.sources.is_heard = is_heard

    @property
    def trust(self) -> ClockTrust:
        return self.reading().trust


class Machine:
    """The hub's computer, from boot to boot. A process that is started again finds the clocks of the boot it is in."""

    def __init__(self, true: TrueTime) -> None:
        self._true = true
        self._boots = 0
        self.crystal_ppm = 0.0
        """How wrong the crystal runs, from the next boot on; at most 100 (T1)."""
        self.sources: VirtualSources | None = None

    @property
    def boot(self) -> str:
        """The name of the present boot."""
        return f"boot-{self._boots}"

    def start(self, kept: KeptTime, *, is_synced: bool) -> HubClock:
        """The clock of a process that starts; the machine boots when it had no power."""
        if self.sources is None:
            self._boots += 1
            self.sources = VirtualSources(self._true, self.crystal_ppm, is_heard=is_synced)
        self.sources.is_heard = is_synced
        return HubClock(self.sources, kept, self.boot)

    def power_off(self) -> None:
        """The clocks are gone."""
        self.sources = None
