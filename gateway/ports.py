"""The edges of the house as protocols: clock, chance, locks and their drivers.

Whoever implements one of these is a stranger to the rest of the daemon (design: rooms). The promises stand beside each
method; `drivers/kit` checks them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from gateway.model.answers import Listing, Sighting, WriteAnswer
from gateway.model.clock import ClockAnchor, ClockReading, ClockStep
from gateway.model.health import LinkHealth
from gateway.model.ids import LockId, Slot
from gateway.model.instant import Instant
from gateway.model.lock import LockProfile
from gateway.model.lock_clock import TimeTold
from gateway.model.network import NetworkStory, NetworkWish, Newcomer
from gateway.model.pin import Pin
from gateway.model.reports import Report
from gateway.model.window import Window


class Clock(Protocol):
    """Wall time with its trust (T1). Monotonic time is the event loop's own."""

    def reading(self) -> ClockReading:
        """What is believed about wall time now; never blocks."""
        ...


@runtime_checkable
class GuardedClock(Clock, Protocol):
    """A clock that holds forward steps until they are judged (T3), and hears of the time by other ways (T2)."""

    def step(self) -> ClockStep | None:
        """The step that is held now, or None."""
        ...

    def take_step(self) -> None:
        """Believe the step that is held; nothing when there is none."""
        ...

    def bound(self, at: Instant, slack_ms: int) -> bool:
        """It is `at` now, give or take `slack_ms`; returns whether that was of use. `lo` never goes back."""
        ...


@runtime_checkable
class AnchoredClock(Clock, Protocol):
    """A clock that another process of the same boot can go on from (T3)."""

    def anchor(self) -> ClockAnchor | None:
        """What is to be kept of it; None where no boot can be told from another."""
        ...


class TimeWitness(Protocol):
    """Somebody outside who can be asked for the time while nobody here knows it (T2)."""

    async def tell(self) -> TimeTold | None:
        """What time it is now; None when nobody answers who can be believed. Ends within its own bound."""
        ...


class Entropy(Protocol):
    """The only source of chance: ids, keys, PINs, jitter."""

    def token(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter only."""
        ...


class LockPort(Protocol):
    """One lock. Calls for one lock are never concurrent; nothing is retried inside a driver.

    Every call ends within the driver's own time-out with a value, or raises `Unreachable(part)`, `Busy(retry_after)` or
    `Unsupported`. Cancellation leaves the lock either changed or not, and the next read tells which. A connection that
    breaks in mid-write is `Ambiguous`, never `CancelledError`.
    """

    @property
    def lock_id(self) -> LockId:
        """The lock's name in the configuration."""
        ...

    @property
    def profile(self) -> LockProfile:
        """What this lock can do."""
        ...

    async def read_slot(self, slot: Slot) -> Sighting:
        """Ask the lock itself for one slot; `Unknown` when it does not answer in time."""
        ...

    async def read_all(self) -> Listing:
        """All slots as cheaply as can be had; the source says whether the lock or a cache told."""
        ...

    async def write_slot(self, slot: Slot, pin: Pin, *, window: Window | None, old_pin: Pin | None) -> WriteAnswer:
        """Put a PIN into a slot, and its window with it on a lock whose profile has a `schedule` (A2, D6).

        The PIN is never live without its window, not for a moment and not after a broken connection: the schedule goes
        first, or the PIN stays disabled until the window is acknowledged. `Written.effective_window` is what the lock now
        enforces, never wider than `window` (see `Schedule.inside`). `window=None` means that the PIN opens at any time: a
        schedule that the slot had is gone afterwards. The same PIN with another window changes the window only, if the lock
        can do that. Raises `Unsupported` for a window that the lock cannot keep.
        """
        ...

    async def clear_slot(self, slot: Slot, *, old_pin: Pin | None) -> WriteAnswer:
        """Take whatever is in the slot off the lock, its schedule too."""
        ...

    def reports(self) -> AsyncIterator[Report]:
        """Everything the lock says unasked, in order, until the lock departs. One reader."""
        ...


@runtime_checkable
class ClockedLockPort(Protocol):
    """A lock whose clock can be read and set; a `LockPort` may be one as well (T4). Failures are those of `LockPort`."""

    async def get_clock(self) -> Instant:
        """The lock's time now, as an instant; on a lock that keeps local time the driver translates."""
        ...

    async def set_clock(self, at: Instant) -> None:
        """Put the lock's clock to `at`, with the zone and the DST rule that it needs."""
        ...


class DriverState(StrEnum):
    """How a driver is, as a fact to show."""

    STARTING = "starting"
    READY = "ready"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class DriverCondition:
    """State of a driver with one line that says what a person should do about it."""

    state: DriverState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LockAddress:
    """Where a driver finds a lock that the configuration names. `address` is the driver's own, such as {"node": 5}."""

    lock_id: LockId
    name: str
    address: Mapping[str, object]


class HouseholdPort(Protocol):
    """The hub's own list of its locks, for a driver that takes locks in and lets them go."""

    async def adopt(self, newcomer: Newcomer) -> LockAddress:
        """Make a lock that joined one of the hub's, now and after a restart. From the return on the driver brings it like any other."""
        ...

    async def release(self, lock_id: LockId) -> bool:
        """A lock has left for good. False when it stands in the configuration, which only a person changes."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A lock that can be talked to; its port is good until the matching `Departure`."""

    port: LockPort


@dataclass(frozen=True, slots=True)
class Departure:
    """The port given with the last arrival of this lock is dead; `cause` is one line for a person."""

    lock_id: LockId
    cause: str


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """What a driver gets: its own part of the configuration, the locks it should bring, chance and a private folder.

    `zone` is the property's (T5), for locks that keep local time. Without a `household` nobody takes in locks that join.
    """

    options: Mapping[str, object]
    locks: Sequence[LockAddress]
    entropy: Entropy
    storage_dir: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    household: HouseholdPort | None = None


class DriverPort(Protocol):
    """A family of locks. Found by entry point `gateway.drivers`: a function `(DriverSettings) -> DriverPort`.

    That function raises `ValueError` with one line per mistake in the options, all at once.
    """

    async def run(self) -> None:
        """Hold the connection, and get it back when it breaks, until cancelled. Never returns otherwise."""
        ...

    def locks(self) -> AsyncIterator[Arrival | Departure]:
        """Locks as they come and go. One reader."""
        ...

    def condition(self) -> DriverCondition:
        """How the driver is right now."""
        ...


@runtime_checkable
class HealthPort(Protocol):
    """A driver that counts how well its locks can be reached."""

    def health(self) -> Mapping[LockId, LinkHealth]:
        """What is known of the locks that are here; no radio message."""
        ...


@runtime_checkable
class NetworkPort(Protocol):
    """A driver that can take locks into its network and let them go. One task at a time; it goes on when nobody looks."""

    async def begin(self, wish: NetworkWish) -> None:
        """Start a task. Raises `Busy` while another one runs, `Unreachable`, or `Unsupported` for what cannot be."""
        ...

    def story(self) -> NetworkStory | None:
        """The task that runs, or the last one that ran; None before the first."""
        ...

    async def wait_for_news(self, line_count: int) -> None:
        """Return when the story has another number of lines than this, or is over. Unbounded: the caller sets the deadline."""
        ...


class DriverUnusable(Exception):  # noqa: N818 - says what it means for the caller
    """No waiting helps: wrong versions, a missing program. The text is one line that says what to do; the daemon ends."""
