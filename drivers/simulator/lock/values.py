"""The words of a lock: what a slot, a bolt, a press and a notice are."""

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """State of a slot, in the words of the User Code class."""

    AVAILABLE = "available"
    ENABLED = "enabled"
    DISABLED = "disabled"


class Refusal(StrEnum):
    """Why a write changed nothing."""

    DUPLICATE = "duplicate"
    LENGTH = "length"
    ALPHABET = "alphabet"
    SLOT = "slot"
    PROGRAMMING_CODE = "programming_code"
    PROTECTED = "protected"
    BUSY = "busy"
    SCHEDULE = "schedule"
    INJECTED = "injected"


class Bolt(StrEnum):
    """Where the bolt is."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    JAMMED = "jammed"


class How(StrEnum):
    """Who moved the bolt."""

    KEYPAD = "keypad"
    MANUAL = "manual"
    RADIO = "radio"
    AUTO = "auto"


class NoticeKind(StrEnum):
    """What a lock tells the world on its own."""

    KEYPAD_UNLOCKED = "keypad_unlocked"
    KEYPAD_LOCKED = "keypad_locked"
    MANUALLY_UNLOCKED = "manually_unlocked"
    MANUALLY_LOCKED = "manually_locked"
    RADIO_UNLOCKED = "radio_unlocked"
    RADIO_LOCKED = "radio_locked"
    AUTO_LOCKED = "auto_locked"
    JAMMED = "jammed"
    CODE_ADDED = "code_added"
    CODE_DELETED = "code_deleted"
    ALL_CODES_DELETED = "all_codes_deleted"
    DUPLICATE_REFUSED = "duplicate_refused"
    KEYPAD_DISABLED = "keypad_disabled"
    LOW_BATTERY = "low_battery"
    OUTSIDE_SCHEDULE = "outside_schedule"
    POWER_APPLIED = "power_applied"
    COVER_OPENED = "cover_opened"
    COVER_CLOSED = "cover_closed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing the lock tells on its own. `user_id` names the slot where one is concerned."""

    kind: NoticeKind
    at: float
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """How a write or clear ended. `is_told` False: the lock keeps its refusal to itself and claims success."""

    refusal: Refusal | None = None
    is_told: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether the lock took it."""
        return self.refusal is None

    @property
    def claims_success(self) -> bool:
        """What the lock says about it, which is not always the truth."""
        return self.refusal is None or not self.is_told


class PressOutcome(StrEnum):
    """What the keypad did with a typed PIN."""

    OPENED = "opened"
    REFUSED = "refused"
    LOCKED_OUT = "locked_out"
    SWITCHED_OFF = "switched_off"
    """The keypad is on vacation."""
    NO_POWER = "no_power"
    """The batteries are empty."""


@dataclass(frozen=True, slots=True)
class Press:
    """What came of typing a PIN; `user_id` is the slot that opened."""

    outcome: PressOutcome
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as read: the true PIN, and the text the lock shows for it (asterisks on a masking lock)."""

    status: Status
    pin: str | None = field(default=None, repr=False)
    shown: str = field(default="", repr=False)


EMPTY = Slot(Status.AVAILABLE)
"""What a free slot reads as."""
