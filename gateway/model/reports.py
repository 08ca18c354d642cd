"""What a lock, or the radio around it, tells us unasked."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.answers import Sighting
from gateway.model.ids import Slot


class Method(StrEnum):
    """How a bolt was moved; the documented words for lock events."""

    KEYCODE = "keycode"
    MANUAL = "manual"
    AUTOMATIC = "automatic"
    REMOTE = "remote"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The bolt opened; `slot` says whose PIN when the lock told (A18)."""

    method: Method
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """The bolt closed."""

    method: Method
    slot: Slot | None = None


class DenialCode(StrEnum):
    """Why a lock did not open; the documented words of `lock.access_denied`."""

    UNKNOWN_CODE = "unknown_code"
    EXPIRED_CODE = "expired_code"
    BLOCKLISTED_CODE = "blocklisted_code"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    BLOCKED_BY_PRIVACY_MODE = "blocked_by_privacy_mode"
    CREDENTIAL_ERROR = "credential_error"


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """Somebody typed a wrong PIN, or too many (a lock-out). `reason` is for people, `code` for programs (A18)."""

    reason: str
    slot: Slot | None = None
    code: DenialCode = DenialCode.UNKNOWN_CODE


class SlotChange(StrEnum):
    """What the lock said happened to a slot."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    ALL_DELETED = "all_deleted"
    DUPLICATE_REFUSED = "duplicate_refused"


@dataclass(frozen=True, slots=True)
class SlotChanged:
    """The lock's own notification about a slot; it also comes for our own writes. `slot` is None for all slots.

    `sighting` is what the notification itself proves about the slot's content, when it does.
    """

    change: SlotChange
    slot: Slot | None = None
    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True)
class Reachability:
    """The lock came (`True`) or went (`False`); `cause` is one line for a person."""

    is_reachable: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    """Charge in percent, 0 to 100; `is_low` when the lock itself complains."""

    percent: int
    is_low: bool = False


@dataclass(frozen=True, slots=True)
class Jammed:
    """The bolt could not move."""


@dataclass(frozen=True, slots=True)
class Tampered:
    """The lock's cover was opened."""


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """The lock was reset and says that it leaves (Z-Wave: Device Reset Locally, CC:005A)."""


type Report = (
    Unlocked | Locked | AccessDenied | SlotChanged | Reachability | BatteryLevel | Jammed | Tampered | FactoryReset
)
