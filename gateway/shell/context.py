"""What the verbs are given: the store, the order desk, the clock, and how the rest of the daemon is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gateway.model.clock import ClockStep
from gateway.model.health import LinkHealth
from gateway.model.ids import HubId, LockId
from gateway.model.instant import Instant
from gateway.model.snapshot import LockSettings
from gateway.nudge import Nudges
from gateway.orders.receive import Desk
from gateway.ports import Clock, DriverCondition, NetworkPort
from gateway.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class LockView:
    """A lock as the configuration names it."""

    lock_id: LockId
    name: str
    settings: LockSettings


@dataclass(frozen=True, slots=True)
class CloudCondition:
    """The link to the cloud: `state` is a word such as "connected" or "connecting", `detail` says what to do about it."""

    state: str
    since: Instant | None = None
    detail: str = ""

    @property
    def is_up(self) -> bool:
        """Whether orders and events flow."""
        return self.state == CLOUD_UP


CLOUD_UP = "connected"
"""The one word of `CloudCondition.state` that means all is well."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the daemon's parts are right now, as its runtime sees them; asked anew for every `status`.

    `clock` says in a few words where wall time comes from. `versions` are shown in their order, the hub's own first.
    `worker_restarts` counts parts that died of a bug and were started again.
    """

    clock: str
    drivers: Mapping[str, DriverCondition]
    cloud: CloudCondition
    versions: Mapping[str, str]
    started_at: Instant
    worker_restarts: int = 0


@dataclass(frozen=True, slots=True)
class ShellContext:
    """Everything a verb may use. `locks` are the locks of the configuration, in its order.

    `is_suspect` is the measure by which a step of time is believed only when a person confirms it (T3).
    `networks` are the drivers that take locks in and let them go, by name; `health` is how well locks can be reached.
    """

    db: Database
    hub_id: HubId
    desk: Desk
    locks: Mapping[LockId, LockView]
    zone: ZoneInfo
    clock: Clock
    nudges: Nudges
    conditions: Callable[[], Conditions]
    is_suspect: Callable[[Connection, ClockStep], bool]
    networks: Mapping[str, NetworkPort] = field(default_factory=dict)
    health: Callable[[], Mapping[LockId, LinkHealth]] = field(default=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of the socket, as the kernel says (SO_PEERCRED, unix(7))."""

    uid: int
    gid: int
    pid: int
