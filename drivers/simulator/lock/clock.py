"""A lock's own clock: it drifts, it starts at its maker's date whenever the power was away, and it knows local time by offsets.

Instants `at` are the firmware's (seconds on a clock that does not go back); what the lock believes is UTC seconds since 1970. Local
time is UTC plus a standard offset, and plus a summer offset between two dates of each year when the lock was told both dates
(Time class, offset command): a lock that was told an offset without dates has no way to know when summer is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

PPM = 1_000_000

MINUTE_S = 60

CENTURY = 2000
"""Year of the two-digit year 00 (CC:004E counts from it)."""


class Minute(NamedTuple):
    """One minute on a lock's wall, with the year in full. Compares as time runs."""

    year: int
    month: int
    day: int
    hour: int
    minute: int


class Turn(NamedTuple):
    """The hour of a day of the year at which summer time begins or ends."""

    month: int
    day: int
    hour: int


@dataclass(frozen=True, slots=True)
class Offsets:
    """What local time is ahead of UTC, in minutes; `summer` is added between the two turns, which are in standard time."""

    standard_min: int = 0
    summer_min: int = 0
    summer: tuple[Turn, Turn] | None = None


class LockClock:
    """One clock. `drift_ppm` above 0 runs fast; `default_utc_s` is where it starts after every loss of power."""

    def __init__(self, drift_ppm: float, default_utc_s: float, at: float = 0.0) -> None:
        """Begin at the maker's date now."""
        self.offsets = Offsets()
        self.drift_ppm = drift_ppm
        self.is_set = False
        """Whether anybody told the time since the power last came."""
        self._default_utc_s = default_utc_s
        self._shown_s = default_utc_s
        self._shown_at = at

    def utc_s(self, at: float) -> float:
        """What the clock believes, in seconds since 1970."""
        return self._shown_s + (at - self._shown_at) * (1 + self.drift_ppm / PPM)

    def utc(self, at: float) -> datetime:
        """What the clock believes, as a calendar shows it."""
        return _calendar(self.utc_s(at))

    def set(self, utc_s: float, at: float) -> None:
        """Take over a time, as a radio command tells it."""
        self._shown_s, self._shown_at, self.is_set = utc_s, at, True

    def jump(self, by_s: float, at: float) -> None:
        """Go wrong by so many seconds at once."""
        self._shown_s, self._shown_at = self.utc_s(at) + by_s, at

    def lose_power(self, at: float) -> None:
        """Begin again at the maker's date."""
        self._shown_s, self._shown_at, self.is_set = self._default_utc_s, at, False

    def local(self, at: float) -> datetime:
        """The wall time the lock goes by. Its fields are local; the zone it carries is only a label."""
        return self.local_of(self.utc_s(at))

    def local_of(self, utc_s: float) -> datetime:
        """What the lock's wall shows at a UTC instant. Bounded to the years a two-digit calendar can write."""
        standard = _calendar(utc_s) + timedelta(minutes=self.offsets.standard_min)
        if self._is_summer(standard):
            return standard + timedelta(minutes=self.offsets.summer_min)
        return standard

    def set_local(self, wall: datetime, at: float) -> None:
        """Take over a local wall time; in the hour that summer time repeats, the first of the two is meant."""
        standard = wall - timedelta(minutes=self.offsets.standard_min)
        summer = standard - timedelta(minutes=self.offsets.summer_min)
        is_summer = self.local_of(summer.timestamp()) == wall
        self.set((summer if is_summer else standard).timestamp(), at)

    def _is_summer(self, standard: datetime) -> bool:
        if self.offsets.summer is None:
            return False
        begins, ends = self.offsets.summer
        now = Turn(standard.month, standard.day, standard.hour)
        # South of the equator summer runs over the new year.
        return begins <= now < ends if begins <= ends else now >= begins or now < ends


def minute_of(wall: datetime) -> Minute:
    """The minute a wall time lies in."""
    return Minute(wall.year, wall.month, wall.day, wall.hour, wall.minute)


_FIRST_S = datetime(1970, 1, 2, tzinfo=UTC).timestamp()
_LAST_S = datetime(2198, 12, 31, tzinfo=UTC).timestamp()


def _calendar(utc_s: float) -> datetime:
    return datetime.fromtimestamp(min(max(utc_s, _FIRST_S), _LAST_S), UTC)
