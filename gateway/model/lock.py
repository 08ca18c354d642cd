"""What a lock can do and how far its answers can be believed."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from gateway.model.identity import UNKNOWN_DEVICE, LockIdentity
from gateway.model.instant import HOUR_MS, MINUTE_MS, Instant
from gateway.model.pin import PinRules
from gateway.model.pin_rules import PLAIN, PinRelations
from gateway.model.window import Window


class ReadBack(StrEnum):
    """What a lock shows when asked for a slot."""

    CLEAR = "clear"
    """The PIN itself."""
    MASKED = "masked"
    """Occupied or empty, the digits as asterisks (A7)."""


class ScheduleTrust(StrEnum):
    """Whether a lock really enforces a schedule (A2, D6)."""

    PROVEN = "proven"
    """Seen on hardware, cited in the profile, or shown on this very lock: it may be preloaded."""
    CLAIMED = "claimed"
    """The lock says so: the window is an extra barrier, and the code is written just in time all the same."""
    NONE = "none"
    """It keeps schedules and is known not to enforce them: it is never given a window."""


class ScheduleClock(StrEnum):
    """What time a lock's schedules are in (D6); the driver translates, the core thinks in instants."""

    UTC = "utc"
    LOCAL = "local"
    """The property's local time: the driver renders it with the zone of its settings, DST included (T5)."""
    OWN = "own"
    """A time of the lock's own that nobody can set or read: never preloaded (T4)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a lock keeps windows itself (D6).

    `grain_ms`: its windows begin and end on multiples of this. `shortest_ms` and `longest_ms` (None: no bound) are the
    lengths that it takes. Raises `ValueError` when these contradict each other.
    """

    grain_ms: int
    clock: ScheduleClock
    shortest_ms: int
    longest_ms: int | None
    enforced: ScheduleTrust

    def __post_init__(self) -> None:
        if self.grain_ms < 1 or self.shortest_ms < 1 or (self.longest_ms or self.shortest_ms) < self.shortest_ms:
            msg = "a schedule needs a grain and a shortest length above 0, and a longest not below the shortest"
            raise ValueError(msg)

    def inside(self, window: Window) -> Window | None:
        """The widest window on the lock's grain that is never wider than `window`; None when the lock cannot keep it.

        A start is rounded up and an end down, so a code can open late by less than a grain and never early (A2). A window
        without an end is no schedule: ongoing codes have none.
        """
        if window.starts_at is None or window.ends_at is None:
            return None
        starts_at = Instant(-(-window.starts_at // self.grain_ms) * self.grain_ms)
        ends_at = Instant(window.ends_at // self.grain_ms * self.grain_ms)
        length_ms = ends_at - starts_at
        is_kept = length_ms >= self.shortest_ms and (self.longest_ms is None or length_ms <= self.longest_ms)
        return Window(starts_at, ends_at) if is_kept else None


DEFAULT_LEAD_MS = 30 * MINUTE_MS
"""How long before `starts_at` a code is written just in time (A3); a setting per hub and lock profile (A4)."""

DEFAULT_PRELOAD_MS = 72 * HOUR_MS
"""How long before `starts_at` a code is put on a lock that keeps windows itself (A2); a setting like the lead (A4)."""

DEFAULT_UNTRUSTED_STAY_MS = 24 * HOUR_MS
"""How long codes stay on a lock while nobody knows the time (T2); a setting of the hub."""


@dataclass(frozen=True, slots=True)
class LockProfile:
    """Facts about one lock, from its driver. What is not known is said to be unknown, never guessed.

    `supervision_is_honest`: a supervised success of this model proves the write (A7).
    `tells_hands`: it reports what people do to its codes at the keypad; one that does not is looked at before every write into
    a free slot (N2).
    `pin_relations`: which PINs it cannot tell apart (A10).
    `identity`: which device this is (A17).
    `schedule`: how it keeps windows itself (A2, D6); None for a lock without schedules, which is just-in-time (A3).
    """

    model: str
    slots: range
    pin_rules: PinRules
    read_back: ReadBack = ReadBack.CLEAR
    supervision_is_honest: bool = False
    tells_hands: bool = True
    schedule: Schedule | None = None
    identity: LockIdentity = UNKNOWN_DEVICE
    pin_relations: PinRelations = PLAIN

    def with_proven_schedule(self) -> Self:
        """The same lock after it was seen to keep a window: what it claimed is proven (A2)."""
        if self.schedule is None:
            return self
        return replace(self, schedule=replace(self.schedule, enforced=ScheduleTrust.PROVEN))

    def with_doubted_schedule(self) -> Self:
        """The same lock after it was seen to open outside a window, whoever had proven it before: a mere claim (A2)."""
        if self.schedule is None or self.schedule.enforced is not ScheduleTrust.PROVEN:
            return self
        return replace(self, schedule=replace(self.schedule, enforced=ScheduleTrust.CLAIMED))
