"""What happened during a stay, as plain facts: what was ordered, typed, heard, and what really was in the locks.

Everything here is a value; `checks` judges it, `table` and `picture` show it. Instants are UTC milliseconds of the one
clock that all parts share. A PIN never shows in a repr.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.cloud.report import CloudEvent
from gateway.model.instant import Instant, parse_instant
from gateway.runtime.clock import SystemClock, TrustSource
from gateway.runtime.interval import KeptTime

_CLOCK = SystemClock(TrustSource.ASSUME, KeptTime(Instant(0)))


def now_ms() -> int:
    """Wall time, as the hub's own clock reads it."""
    return int(_CLOCK.reading().lo)


@dataclass(frozen=True, slots=True)
class Door:
    """A lock of the scene `three_doors`: its id in the configuration, its name, its node, and what kind it is."""

    lock_id: str
    name: str
    node: int
    kind: str


FRONT = Door("front-door", "Front door", 2, "User Code v2, confirms by Supervision")
GARDEN = Door("garden-door", "Garden door", 3, "Ultraloq U-Bolt Pro")
STUDIO = Door("studio", "Studio", 4, "knows no Supervision: has to be read back")
DOORS = (FRONT, GARDEN, STUDIO)

FOREIGN_SLOT = 1
FOREIGN_PIN = "902461"
"""Somebody programmed this at the front door by hand before we came; see the scene."""


class Who(StrEnum):
    """Whose code it is."""

    OWNER = "Owner"
    GUEST = "Guest"
    GARDENER = "Gardener"


@dataclass(frozen=True, slots=True)
class Code:
    """One access code on one door, as the cloud means it."""

    code_id: str
    who: Who
    door: Door
    pin: str = field(repr=False)
    starts_at: int | None = None
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """One order of the cloud."""

    at: int
    command_id: str
    kind: str
    code: Code
    is_broker_up: bool


class Moment(StrEnum):
    """When in the stay somebody typed a PIN."""

    BEFORE_LEAD = "before the lead"
    SETTLED = "before the stay"
    INSIDE = "inside the window"
    HUB_DEAD = "while the hub is dead"
    AFTER_RESTART = "after the restart"
    BROKER_DOWN = "while the broker is down"
    AFTER_END = "after check-out"
    DELETED = "after the delete order"
    AT_LAST = "at the end of the story"


@dataclass(frozen=True, slots=True)
class Press:
    """A PIN typed at a keypad and what the lock did: opened, refused or locked_out."""

    at: int
    code: Code
    moment: Moment
    outcome: str
    is_hub_up: bool

    @property
    def is_opened(self) -> bool:
        """Whether the bolt opened."""
        return self.outcome == "opened"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as the cloud took it."""

    at: int
    event: CloudEvent

    @property
    def code_id(self) -> str | None:
        """The access code that it is about."""
        found = self.event.body.get("access_code_id")
        return found if isinstance(found, str) else None

    @property
    def command_id(self) -> str | None:
        """The order that it answers."""
        found = self.event.body.get("command_id")
        return found if isinstance(found, str) else None

    @property
    def occurred_at(self) -> int | None:
        """When it happened, by the hub's clock."""
        found = self.event.body.get("occurred_at")
        return int(parse_instant(found)) if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event message on the wire."""

    at: int
    event_id: str


@dataclass(slots=True)
class Look:
    """What was in a lock's memory over one or more looks with the same result.

    Each look has an instant of asking and one of the answer; what was seen was true in between.
    """

    door: Door
    slots: Mapping[int, str] = field(repr=False)
    first_asked: int
    first_answered: int
    last_asked: int
    last_answered: int


@dataclass(frozen=True, slots=True)
class Presence:
    """A PIN's time in a lock's memory: it came within `(came_after, came_by]` and went within `(gone_after, gone_by]`."""

    slot: int
    came_after: int
    came_by: int
    gone_after: int
    gone_by: int | None


@dataclass(frozen=True, slots=True)
class Frame:
    """One message on the air."""

    at: int
    door: Door
    is_to_lock: bool
    label: str
    is_beamed: bool


@dataclass(frozen=True, slots=True)
class Outage:
    """Something was down from one instant to another; `to` is None while it still is."""

    since: int
    to: int | None = None


@dataclass(frozen=True, slots=True)
class RestartCount:
    """Messages to each lock by the simulator's counters, before the kill and after the restart had settled."""

    before: Mapping[str, int]
    after: Mapping[str, int]
    watched_s: float


@dataclass(frozen=True, slots=True)
class Leak:
    """A PIN that was found where none belongs. Says whose, never which."""

    who: str
    place: str
    form: str


@dataclass(slots=True)
class Record:
    """The whole stay so far. `is_over` once nothing more will happen."""

    began_at: int
    lead_ms: int
    hears_ms: int
    """Within this the cloud has to hear of something while all links are up."""
    checkout_ms: int
    """Within this a guest's PIN has to be off the lock after its end."""
    gap_max_ms: int
    """The watch is broken when it blinks for longer than this."""
    has_airtime: bool = True
    """Whether the radio took as long as a real one."""
    codes: list[Code] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    looks: dict[Door, list[Look]] = field(default_factory=lambda: {door: [] for door in DOORS})
    look_count: int = 0
    longest_blink_ms: int = 0
    frames: list[Frame] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    """All event messages as they came over the wire, repetitions included."""
    gap_count: int = 0
    hub_outage: Outage | None = None
    broker_outage: Outage | None = None
    restart: RestartCount | None = None
    healed_by: int | None = None
    """When the cloud had to have everything again after the broker's outage."""
    leaks: list[Leak] | None = None
    searched: str = ""
    is_over: bool = False
    is_cut: bool = False
    """Whether the story ended at a broken check: what did not come any more is nobody's fault."""
    now: int = 0

    def of(self, *whose: Who) -> list[Code]:
        """The codes of these people."""
        return [code for code in self.codes if code.who in whose]

    def code(self, code_id: str | None) -> Code | None:
        """The code with this id."""
        return next((code for code in self.codes if code.code_id == code_id), None)

    def presences(self, door: Door, pin: str) -> list[Presence]:
        """When a PIN was in a lock's memory, by the lock's own truth."""
        return list(_presences(self.looks[door], pin))

    def shown_first_after(self, door: Door, at: int) -> Look | None:
        """What the first look showed that was asked at or after an instant."""
        return next((look for look in self.looks[door] if look.last_asked >= at), None)


def _presences(looks: list[Look], pin: str) -> Iterator[Presence]:
    slot, came_after, came_by, gone_after = 0, 0, 0, 0
    before: Look | None = None
    for look in looks:
        found = next((number for number, held in look.slots.items() if held == pin), None)
        if found is not None and slot == 0:
            slot, came_by = found, look.first_answered
            came_after = look.first_asked if before is None else before.last_asked
        if found is not None:
            gone_after = look.last_asked
        elif slot:
            yield Presence(slot, came_after, came_by, gone_after, look.first_answered)
            slot = 0
        before = look
    if slot:
        yield Presence(slot, came_after, came_by, gone_after, None)
