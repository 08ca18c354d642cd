"""Orders: the closed set of things the cloud and the shell may ask, after their wire form was understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.access_code import Origin
from gateway.model.events import Fact
from gateway.model.ids import CodeId, CommandId, LockId
from gateway.model.instant import Instant
from gateway.model.pin import Pin
from gateway.model.pool_commands import PoolCommand


class Kept(StrEnum):
    """Says that an update leaves a field as it is; None would mean "take it away"."""

    KEPT = "kept"


KEPT = Kept.KEPT


@dataclass(frozen=True, slots=True)
class CreateAccessCode:
    """A new access code. Without a PIN the hub draws one (A11)."""

    code_id: CodeId
    lock_id: LockId
    name: str
    pin: Pin | None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    generation: int | None = None
    is_external_modification_allowed: bool = False
    prefer_native_scheduling: bool = True
    strict_start: bool = False
    use_backup_pool: bool = False


@dataclass(frozen=True, slots=True)
class UpdateAccessCode:
    """A change of an access code; fields that stay are `KEPT`. Clearing `ends_at` makes it ongoing."""

    code_id: CodeId
    name: str | Kept = KEPT
    pin: Pin | Kept = KEPT
    starts_at: Instant | Kept | None = KEPT
    ends_at: Instant | Kept | None = KEPT
    generation: int | None = None
    is_external_modification_allowed: bool | Kept = KEPT
    prefer_native_scheduling: bool | Kept = KEPT
    strict_start: bool | Kept = KEPT
    use_backup_pool: bool | Kept = KEPT


@dataclass(frozen=True, slots=True)
class DeleteAccessCode:
    """Take an access code off its lock for good."""

    code_id: CodeId
    generation: int | None = None


type Command = CreateAccessCode | UpdateAccessCode | DeleteAccessCode | PoolCommand


class RejectionReason(StrEnum):
    """Why an order is not taken; the words of `command.rejected`."""

    INVALID_INPUT = "invalid_input"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    WRONG_AUDIENCE = "wrong_audience"
    DEVICE_NOT_FOUND = "device_not_found"
    ACCESS_CODE_NOT_FOUND = "access_code_not_found"
    ALREADY_EXISTS = "already_exists"
    DUPLICATE_ACCESS_CODE = "duplicate_access_code"
    STALE = "stale"
    NOT_TIME_BOUND = "access_code_not_time_bound"
    NO_BACKUP = "backup_access_code_not_found"
    OPENS_NOW = "opens_now"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal that names the field and, in `message`, the rule and what to do; never the PIN."""

    reason: RejectionReason
    field: str | None
    message: str
    rival: CodeId | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One command with its idempotency key. `body_digest` tells a repetition from a second order under the same id."""

    command_id: CommandId
    kind: str
    origin: Origin
    body_digest: bytes
    command: Command | Rejection


class Reception(StrEnum):
    """What became of an order when it came in."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Answer to whoever ordered. `drawn_pin` is the PIN that the answer gives: a drawn one, or that of a pulled backup."""

    reception: Reception
    rejection: Rejection | None = None
    lock_id: LockId | None = None
    code_id: CodeId | None = None
    generation: int | None = None
    drawn_pin: Pin | None = None
    answer: Mapping[str, Fact] = field(default_factory=dict)
