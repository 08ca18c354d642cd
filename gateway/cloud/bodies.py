"""The bodies of orders: their fields as they stand on the wire, and what each orders (C1, C2).

A body's `command` is what it means to the core. Each kind has the name of the documented service's call with the same
meaning. Instants and PINs leave their validators as what the core uses; the types here show the wire's side only.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Literal, cast, override

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from gateway.cloud.strict_json import INTEGER_MAX
from gateway.model.commands import (
    KEPT,
    Command,
    CreateAccessCode,
    DeleteAccessCode,
    Rejection,
    RejectionReason,
    UpdateAccessCode,
)
from gateway.model.ids import CodeId, LockId, Slot
from gateway.model.instant import LAST_INSTANT, Instant, parse_instant
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, Pin
from gateway.model.pool_commands import (
    ConvertUnmanaged,
    DeleteUnmanaged,
    GenerateCode,
    ListUnmanaged,
    PullBackupCode,
    UpdateDevice,
)

NAME_MAX = 80
"""Characters of a code's name; the length of the longest name field among the lock makers' apps."""

ID_RULE = "1 to 64 of the characters A-Z a-z 0-9 . _ : -"
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing: with them a name shows as another (Unicode TR 36)."""

INSTANT_RULE = "an instant as RFC 3339 with an offset, such as 2027-01-31T15:00:00Z, from 1970 to 9999"
PIN_RULE = f"a string of {SHORTEST_PIN} to {LONGEST_PIN} digits"


class Refused(Exception):  # noqa: N818 - carries a rejection to the one place that answers it
    """This order is not taken."""

    def __init__(self, reason: RejectionReason, field: str | None, message: str) -> None:
        """Take what the answer will say."""
        super().__init__(message)
        self.rejection = Rejection(reason, field, message)


def _instant(text: str) -> Instant:
    try:
        at = parse_instant(text)
    except (ValueError, OverflowError):
        at = Instant(LAST_INSTANT + 1)
    if at > LAST_INSTANT:
        raise PydanticCustomError("rule", "must be {rule}", {"rule": INSTANT_RULE})
    return at


def _pin(text: str) -> Pin:
    try:
        return Pin(text)
    except ValueError:
        raise PydanticCustomError("rule", "must be {rule}", {"rule": PIN_RULE}) from None


def _name(text: str) -> str:
    if any(unicodedata.category(character) in _HIDDEN or character in _TURNING for character in text):
        raise PydanticCustomError("rule", "must be {rule}", {"rule": "text without control characters"})
    return text


def _identifier(text: str) -> str:
    if not ID.fullmatch(text):
        raise PydanticCustomError("rule", "must be {rule}", {"rule": ID_RULE})
    return text


type Identifier = Annotated[str, AfterValidator(_identifier)]
type When = Annotated[str, AfterValidator(_instant)]
type Name = Annotated[str, StringConstraints(max_length=NAME_MAX), AfterValidator(_name)]
type Digits = Annotated[str, AfterValidator(_pin)]
type Count = Annotated[int, Field(ge=0, le=INTEGER_MAX)]


class Body(BaseModel, ABC):
    """Fields of a body are all known: an `ends_att` that is passed over would leave a door open for ever."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @abstractmethod
    def command(self) -> Command:
        """What the body orders. Raises `Refused` when its fields contradict each other."""


class _OfCode(Body):
    access_code_id: Identifier
    generation: Count | None = None


class _Wish(_OfCode):
    name: Name | None = None
    code: Digits | None = None
    type: Literal["ongoing", "time_bound"] | None = None
    starts_at: When | None = None
    ends_at: When | None = None
    is_external_modification_allowed: bool | None = None
    prefer_native_scheduling: bool | None = None
    use_backup_access_code_pool: bool | None = None
    strict_start: bool | None = None

    def check(self) -> None:
        """Refuse times that contradict each other, or the type."""
        if self.type == "ongoing" and self.ends_at is not None:
            message = "ongoing goes without ends_at: leave one of the two out"
            raise Refused(RejectionReason.INVALID_INPUT, "type", message)
        if self.type == "time_bound" and self.ends_at is None:
            raise Refused(RejectionReason.INVALID_INPUT, "ends_at", "is required with type time_bound: give it")
        _check_order(self.starts_at, self.ends_at)


class CreateBody(_Wish):
    """Body of `access_code.create`."""

    device_id: Identifier

    @override
    def command(self) -> Command:
        self.check()
        return CreateAccessCode(
            code_id=CodeId(self.access_code_id),
            lock_id=LockId(self.device_id),
            name=self.name or "",
            pin=cast("Pin | None", self.code),
            starts_at=cast("Instant | None", self.starts_at),
            ends_at=cast("Instant | None", self.ends_at),
            generation=self.generation,
            is_external_modification_allowed=self.is_external_modification_allowed or False,
            prefer_native_scheduling=self.prefer_native_scheduling is not False,
            strict_start=self.strict_start or False,
            use_backup_pool=self.use_backup_access_code_pool or False,
        )


class UpdateBody(_Wish):
    """Body of `access_code.update`; a null in `starts_at` or `ends_at` takes it away, elsewhere null means "as it is"."""

    @override
    def command(self) -> Command:
        self.check()
        said = self.model_fields_set
        is_made_ongoing = self.type == "ongoing"
        allowed, is_guest = self.is_external_modification_allowed, self.use_backup_access_code_pool
        starts_at, ends_at = cast("Instant | None", self.starts_at), cast("Instant | None", self.ends_at)
        pin = cast("Pin | None", self.code)
        return UpdateAccessCode(
            code_id=CodeId(self.access_code_id),
            name=KEPT if self.name is None else self.name,
            pin=KEPT if pin is None else pin,
            starts_at=starts_at if "starts_at" in said or is_made_ongoing else KEPT,
            ends_at=ends_at if "ends_at" in said or is_made_ongoing else KEPT,
            generation=self.generation,
            is_external_modification_allowed=KEPT if allowed is None else allowed,
            prefer_native_scheduling=KEPT if self.prefer_native_scheduling is None else self.prefer_native_scheduling,
            strict_start=KEPT if self.strict_start is None else self.strict_start,
            use_backup_pool=KEPT if is_guest is None else is_guest,
        )


class DeleteBody(_OfCode):
    """Body of `access_code.delete`."""

    @override
    def command(self) -> Command:
        return DeleteAccessCode(CodeId(self.access_code_id), self.generation)


class PullBackupBody(Body):
    """Body of `access_code.pull_backup_access_code`."""

    access_code_id: Identifier
    force: bool = False

    @override
    def command(self) -> Command:
        return PullBackupCode(CodeId(self.access_code_id), is_forced=self.force)


class _OfDevice(Body):
    device_id: Identifier


class GenerateBody(_OfDevice):
    """Body of `access_code.generate_code`."""

    @override
    def command(self) -> Command:
        return GenerateCode(LockId(self.device_id))


class UpdateDeviceBody(_OfDevice):
    """Body of `device.update`."""

    backup_access_code_pool_enabled: bool

    @override
    def command(self) -> Command:
        return UpdateDevice(LockId(self.device_id), is_pool_on=self.backup_access_code_pool_enabled)


class ListUnmanagedBody(_OfDevice):
    """Body of `access_code.unmanaged.list`."""

    @override
    def command(self) -> Command:
        return ListUnmanaged(LockId(self.device_id))


class ConvertUnmanagedBody(_OfDevice):
    """Body of `access_code.unmanaged.convert_to_managed`."""

    slot: Count
    access_code_id: Identifier
    name: Name | None = None
    code: Digits | None = None
    starts_at: When | None = None
    ends_at: When | None = None

    @override
    def command(self) -> Command:
        _check_order(self.starts_at, self.ends_at)
        return ConvertUnmanaged(
            lock_id=LockId(self.device_id),
            slot=Slot(self.slot),
            code_id=CodeId(self.access_code_id),
            name=self.name or f"Code in slot {self.slot}",
            pin=cast("Pin | None", self.code),
            starts_at=cast("Instant | None", self.starts_at),
            ends_at=cast("Instant | None", self.ends_at),
        )


class DeleteUnmanagedBody(_OfDevice):
    """Body of `access_code.unmanaged.delete`."""

    slot: Count

    @override
    def command(self) -> Command:
        return DeleteUnmanaged(LockId(self.device_id), Slot(self.slot))


def _check_order(starts_at: str | None, ends_at: str | None) -> None:
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise Refused(RejectionReason.INVALID_INPUT, "ends_at", "must be later than starts_at")


KINDS: Mapping[str, type[Body]] = {
    "access_code.create": CreateBody,
    "access_code.update": UpdateBody,
    "access_code.delete": DeleteBody,
    "access_code.pull_backup_access_code": PullBackupBody,
    "access_code.generate_code": GenerateBody,
    "access_code.unmanaged.list": ListUnmanagedBody,
    "access_code.unmanaged.convert_to_managed": ConvertUnmanagedBody,
    "access_code.unmanaged.delete": DeleteUnmanagedBody,
    "device.update": UpdateDeviceBody,
}
"""Every kind of order and its body."""
