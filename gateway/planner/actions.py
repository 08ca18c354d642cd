"""What can be done to a lock next: a closed union, each with a reason and a deadline."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.model.ids import CodeId, Slot
from gateway.model.instant import Instant
from gateway.model.pin import PinDigest
from gateway.model.pool import PoolIssue
from gateway.model.window import Window


class Reason(StrEnum):
    """Why an action is planned."""

    REMOVE = "remove"
    REMOVE_UNSEEN = "look_before_removing"
    REFUSED_LEFTOVER = "remove_pin_of_refused_edit"
    REPLACED = "remove_replaced_pin"
    EARLIER_UNSEEN = "remove_earlier_pin_unseen"
    BREAK_SWAP = "break_pin_swap"
    MASKED_REWRITE = "empty_before_writing_masked_slot"
    WRITE = "write"
    RESTORE = "restore"
    FIND_FREE = "look_for_free_slot"
    PROVE = "prove"
    ADOPT = "look_before_adopting"
    FIRST_LISTING = "first_listing"
    CHECK_CLOCK = "check_clock"
    AUDIT = "audit"
    ASK_TIME = "ask_lock_for_the_time"


class Urgency(IntEnum):
    """Order on the radio, by danger: removal first (A9), and taking a PIN off one lock before proving one gone from another."""

    REMOVE = 0
    PROVE_REMOVED = 1
    WRITE = 2
    PROVE = 3
    LIST = 4
    AUDIT = 5


@dataclass(frozen=True, slots=True)
class ReadSlot:
    """Ask the lock for one slot."""

    slot: Slot
    code_id: CodeId | None
    reason: Reason
    deadline: Instant
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class WriteSlot:
    """Put the code's PIN into the slot, under `window` on a lock that shall keep it (A2)."""

    slot: Slot
    code_id: CodeId
    digest: PinDigest
    generation: int
    reason: Reason
    deadline: Instant
    urgency: Urgency = Urgency.WRITE
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class ClearSlot:
    """Take whatever is in our slot off the lock."""

    slot: Slot
    code_id: CodeId
    reason: Reason
    deadline: Instant
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class ListSlots:
    """See all slots once, as cheaply as the driver can."""

    reason: Reason
    deadline: Instant
    urgency: Urgency = Urgency.LIST


@dataclass(frozen=True, slots=True)
class CheckClock:
    """Ask the lock for its time, and set it where it is off (T4).

    With `right_at` it is the hub that does not know the time: the lock's clock, seen right then, is only read (T2).
    """

    reason: Reason
    deadline: Instant
    urgency: Urgency = Urgency.WRITE
    right_at: Instant | None = None


type SlotAction = ReadSlot | WriteSlot | ClearSlot
type LockAction = ListSlots | CheckClock
type Action = SlotAction | LockAction


@dataclass(frozen=True, slots=True)
class GenerateBackup:
    """Draw one more spare for the lock's pool (A12). The planner knows no chance: PIN and id are drawn by the worker."""


@dataclass(frozen=True, slots=True)
class RetireBackup:
    """Take a spare that nobody was given off the lock for good: it is too many, refused, or in the way (A12, A16)."""

    code_id: CodeId


@dataclass(frozen=True, slots=True)
class PullBackup:
    """Give a proven spare to the guest whose own code is at risk (A13)."""

    original: CodeId
    backup: CodeId


@dataclass(frozen=True, slots=True)
class TellPool:
    """Tell the cloud what is wrong with the pool now, and how many spares are ready."""

    issues: frozenset[PoolIssue]
    ready: int
    pulled: int


type PoolStep = GenerateBackup | RetireBackup | PullBackup | TellPool
"""What a pool needs: done in the worker's transaction, without the radio."""
