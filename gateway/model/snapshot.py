"""Everything the planner needs to know about one lock, at one instant of the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.access_code import AccessCode
from gateway.model.ids import CodeId, CommandId, LockId, Slot
from gateway.model.instant import Instant
from gateway.model.issues import Issue, Status
from gateway.model.link import UNMEASURED, Link
from gateway.model.lock import DEFAULT_LEAD_MS, DEFAULT_PRELOAD_MS, DEFAULT_UNTRUSTED_STAY_MS, LockProfile
from gateway.model.lock_clock import NEVER_CHECKED, LockClock
from gateway.model.loss import Loss
from gateway.model.pin import PinDigest
from gateway.model.pool import Pool, PoolRules
from gateway.model.slot import SlotRecord
from gateway.model.unmanaged import Takeover
from gateway.model.window import Window


@dataclass(frozen=True, slots=True)
class Announced:
    """What the cloud was last told about a code. The difference to what holds now becomes events, each once (I6).

    `digest` is the PIN that was announced as set, None when the cloud believes that none of the code's is on the lock.
    `scheduled` is the window that was announced as kept by the lock itself (A2).
    """

    status: Status = Status.UNSET
    digest: PinDigest | None = None
    issues: frozenset[Issue] = frozenset()
    scheduled: Window | None = None


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An accepted order that still waits for its `command.applied` or `command.failed` (C2)."""

    command_id: CommandId
    code_id: CodeId
    generation: int
    is_delete: bool


@dataclass(frozen=True, slots=True)
class LockSettings:
    """What the owner configured for a lock, in milliseconds (A3, A4, T2), and its pool (A12).

    `lead_ms` before its start a code is written just in time; `preload_ms` before its start it is preloaded on a lock that
    keeps windows itself; `untrusted_stay_ms` codes stay on it while nobody knows the time.
    """

    lead_ms: int = DEFAULT_LEAD_MS
    preload_ms: int = DEFAULT_PRELOAD_MS
    untrusted_stay_ms: int = DEFAULT_UNTRUSTED_STAY_MS
    pool: PoolRules = field(default_factory=PoolRules)


@dataclass(frozen=True, slots=True)
class Effort:
    """Repeat tries of a code on a UTC day (A8)."""

    day: int
    repeats: int


@dataclass(frozen=True, slots=True)
class LockSnapshot:
    """One lock: what is wanted, what was tried, what was seen, what was said.

    `slots` holds only slots that were ever leased or sighted; any other slot of the profile is unseen.
    `codes` holds the codes that are not finished, `refused_windows` those whose window the lock could not keep,
    `trial` is the one that a person checks the lock's windows with; `is_window_disproved`: it opened outside one. `lookalikes` has the PINs that the lock cannot tell apart,
    where it has such a weakness (A10). While
    `is_quarantined` another device answers in the lock's place (A17).
    """

    lock_id: LockId
    profile: LockProfile
    settings: LockSettings
    codes: tuple[AccessCode, ...] = ()
    slots: Mapping[Slot, SlotRecord] = field(default_factory=dict)
    announced: Mapping[CodeId, Announced] = field(default_factory=dict)
    orders: tuple[OpenOrder, ...] = ()
    efforts: Mapping[CodeId, Effort] = field(default_factory=dict)
    listed_at: Instant | None = None
    is_reachable: bool = True
    is_quarantined: bool = False
    clock: LockClock = NEVER_CHECKED
    link: Link = UNMEASURED
    refused_windows: frozenset[CodeId] = frozenset()
    trial: CodeId | None = None
    is_window_disproved: bool = False
    pool: Pool = field(default_factory=Pool)
    takeovers: Mapping[Slot, Takeover] = field(default_factory=dict)
    losses: Mapping[CodeId, Loss] = field(default_factory=dict)
    lookalikes: Mapping[PinDigest, frozenset[PinDigest]] = field(default_factory=dict)
