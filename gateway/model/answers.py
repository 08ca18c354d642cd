"""What a lock answers to a driver's call, as values (the lock port of `gateway.ports`).

A sighting is in doubt `Unknown`, because `Empty` means "free to write over", and a wrong `Empty` overwrites a real
code on a real door. PINs appear here in clear, on their way between the driver and the ledger, which keeps digests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.model.window import Window


@dataclass(frozen=True, slots=True)
class Empty:
    """The slot holds no PIN."""


@dataclass(frozen=True, slots=True)
class Held:
    """The slot holds a PIN; `pin` is None when the lock shows it masked."""

    pin: Pin | None


@dataclass(frozen=True, slots=True)
class Disabled:
    """The slot holds a PIN that does not open."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The lock did not say, or said something we do not understand."""


type SlotValue = Empty | Held | Disabled | Unknown


class SightingSource(StrEnum):
    """Who told us (D3): the lock itself, or something in between that may be stale and proves intent only."""

    LOCK = "lock"
    MIDDLEMAN = "middleman"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one slot showed."""

    value: SlotValue
    source: SightingSource


@dataclass(frozen=True, slots=True)
class Listing:
    """What all slots showed. A slot absent from an incomplete listing is unknown, not empty (D3).

    `foreign` counts codes on the lock that no slot number describes.
    """

    slots: Mapping[Slot, Sighting]
    is_complete: bool
    foreign: int = 0


class RefusalReason(StrEnum):
    """Why a lock said no; the same request would be refused again.

    `SILENT` is no driver's answer: the hub concludes it from writes that a lock took and did not keep (`model/ledger.py`).
    """

    DUPLICATE = "duplicate_code_on_device"
    CONSTRAINTS = "code_constraints_violated"
    NO_SPACE = "no_space_for_access_code_on_device"
    WINDOW = "schedule_not_possible_on_device"
    UNSPECIFIED = "refused_by_lock"
    SILENT = "refused_silently"


@dataclass(frozen=True, slots=True)
class Written:
    """The call went through. `ACKNOWLEDGED` claims nothing more than that the lock's radio took it.

    `effective_window` is the window that the lock now enforces for this slot (D6): never wider than the one asked for, and
    None exactly when none was asked for. A lock that took the PIN and did not confirm its window ends `Ambiguous`.
    """

    evidence: Evidence
    effective_window: Window | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted by a middleman, not yet by the lock (D2)."""

    ticket: str
    deadline: Instant


@dataclass(frozen=True, slots=True)
class Refused:
    """The lock is reachable and said no."""

    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The command may or may not have been executed: only a look at the lock tells. `cause` is for people."""

    cause: str


type WriteAnswer = Written | Pending | Refused | Ambiguous
