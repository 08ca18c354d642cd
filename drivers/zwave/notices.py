"""Pure: what a lock says unasked, as reports.

Two streams come from Z-Wave JS: `notification` events for what happens, and value updates for what lasts (a jam, a
blocked keypad, an open cover). Both are mapped. A moving bolt comes in both; a notification knows how it was moved and
wins, so the value update is only a `BoltHint` that the lock object holds back for a moment.

Numbers are those of Notification type 0x06 (Access Control) and 0x07 (Home Security) in the Z-Wave notification
registry, with the split into events and states that Z-Wave JS 15.29 makes. Frames carry no time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drivers.zwave.credentials import USER_CODE
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.ids import Slot
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    DenialCode,
    Jammed,
    Locked,
    Method,
    Report,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)

NOTIFICATION: Final = 0x71
BATTERY: Final = 0x80
DOOR_LOCK: Final = 0x62
"""Command class numbers."""

ACCESS_CONTROL: Final = 0x06
HOME_SECURITY: Final = 0x07
"""Notification types."""

_LOCKED: Final[Mapping[int, Method]] = {
    0x01: Method.MANUAL,
    0x03: Method.REMOTE,
    0x05: Method.KEYCODE,
    0x09: Method.AUTOMATIC,
    0x23: Method.KEYCODE,
}
_UNLOCKED: Final[Mapping[int, Method]] = {
    0x02: Method.MANUAL,
    0x04: Method.REMOTE,
    0x06: Method.KEYCODE,
    0x24: Method.KEYCODE,
}
_NOT_FULLY_LOCKED: Final = frozenset({0x07, 0x08, 0x0A})
_DENIED: Final[Mapping[int, str]] = {
    0x13: "more wrong PINs than the lock allows",
    0x14: "unlock by radio with a wrong PIN",
    0x15: "lock by radio with a wrong PIN",
    0x20: "a PIN that only sends a message",
    0x2F: "the user is disabled",
    0x30: "outside the lock's own schedule",
    0x31: "not enough credentials",
    0x32: "wrong PIN",
    0x33: "a PIN that does not open",
}
_DENIAL_CODES: Final[Mapping[int, DenialCode]] = {
    0x13: DenialCode.TOO_MANY_ATTEMPTS,
    0x2F: DenialCode.BLOCKLISTED_CODE,
    0x30: DenialCode.EXPIRED_CODE,
    0x31: DenialCode.CREDENTIAL_ERROR,
}
"""All others are wrong PINs."""
_INVALID_CODE: Final = 0x04
_PRODUCT_MOVED: Final = 0x09

_JAM: Final = 0x0B
_KEYPAD_BLOCKED: Final = 0x10
_COVER_REMOVED: Final = 0x03
_REPLACE_BATTERY: Final = frozenset({0x0A, 0x0B})
"""States; they arrive as values of the Notification class."""

_UNSECURED_MODES: Final = frozenset({0x00, 0x01, 0x10, 0x11, 0x20, 0x21})
_SECURED_MODE: Final = 0xFF
"""CC:0062.01.02.11.002: modes of a door lock; 0xFE is unknown."""


@dataclass(frozen=True, slots=True)
class BoltHint:
    """The bolt is now somewhere else; how it got there may still be told by a notification."""

    is_locked: bool


@dataclass(frozen=True, slots=True)
class SlotEcho:
    """Z-Wave JS changed what it remembers of a slot: after somebody else's write, or as an echo of our own read."""

    slot: Slot
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class LowBattery:
    """The lock complains of its battery. CC:0080 puts the complaint (0xFF) in the place of the percentage, so there is none."""


type Notice = Report | LowBattery
type ValueNotice = Report | BoltHint | SlotEcho | LowBattery


def from_notification(command_class: int, args: Mapping[str, object], slot_shift: int = 0) -> Notice | None:
    """Read the `args` of a `notification` event; None for what does not concern us.

    `slot_shift` is what this lock adds to a slot when it speaks of it; a number that is none of its slots then is nobody's.
    """
    if command_class == BATTERY:
        return LowBattery() if args.get("eventType") == "battery low" else None
    event = args.get("event")
    if command_class != NOTIFICATION or not isinstance(event, int):
        return None
    match args.get("type"):
        case 0x06:
            return _access_control(event, _slot_in(args.get("parameters"), slot_shift))
        case 0x07 if event == _INVALID_CODE:
            return AccessDenied("wrong PIN")
        case 0x07 if event == _PRODUCT_MOVED:
            return Tampered()
        case _:
            return None


def from_value(args: Mapping[str, object]) -> ValueNotice | None:
    """Read the `args` of a `value added` or `value updated` event; None for what does not concern us."""
    value = args.get("newValue")
    match args.get("commandClass"), args.get("property"), args.get("propertyKey"):
        case 0x71, "Access Control", "Lock state":
            return Jammed() if value == _JAM else None
        case 0x71, "Access Control", "Keypad state":
            blocked = AccessDenied("the keypad is blocked after wrong PINs", code=DenialCode.TOO_MANY_ATTEMPTS)
            return blocked if value == _KEYPAD_BLOCKED else None
        case 0x71, "Home Security", "Cover status":
            return Tampered() if value == _COVER_REMOVED else None
        case 0x71, "Power Management", "Battery maintenance status":
            return LowBattery() if value in _REPLACE_BATTERY else None
        case 0x80, "level", _:
            return BatteryLevel(value) if _is_percent(value) and isinstance(value, int) else None
        case 0x80, "isLow", _:
            return LowBattery() if value is True else None
        case 0x62, "currentMode", _:
            return _bolt_hint(value) if value != args.get("prevValue") else None
        case command_class, (("userIdStatus" | "userCode") as name), int(key) if command_class == USER_CODE and key > 0:
            return SlotEcho(Slot(key), name, value) if value != args.get("prevValue") else None
        case _:
            return None


def _access_control(event: int, slot: Slot | None) -> Report | None:
    if event in _LOCKED:
        return Locked(_LOCKED[event], slot)
    if event in _UNLOCKED:
        return Unlocked(_UNLOCKED[event], slot)
    if event in _NOT_FULLY_LOCKED:
        return Jammed()
    if event in _DENIED:
        return AccessDenied(_DENIED[event], slot, _DENIAL_CODES.get(event, DenialCode.UNKNOWN_CODE))
    return _slot_change(event, slot)


def _slot_change(event: int, slot: Slot | None) -> SlotChanged | None:
    match event:
        case 0x0C:
            return SlotChanged(SlotChange.ALL_DELETED)
        case 0x0D if slot is not None:
            return SlotChanged(SlotChange.DELETED, slot, Sighting(Empty(), SightingSource.LOCK))
        case 0x0E if slot is not None:
            return SlotChanged(SlotChange.ADDED, slot, Sighting(Held(None), SightingSource.LOCK))
        case 0x0D | 0x0E:
            # Some locks (Alfred DB2) do not say which: then any slot may be another now.
            return SlotChanged(SlotChange.CHANGED)
        case 0x0F:
            return SlotChanged(SlotChange.DUPLICATE_REFUSED, slot)
        case _:
            return None


def _slot_in(parameters: object, shift: int) -> Slot | None:
    # "userId" from an embedded User Code Report or a single byte, "user ID" from event 0x20, "credentialSlot" from a
    # User Credential lock. 0 stands for nobody in particular.
    if not isinstance(parameters, Mapping):
        return None
    for name in ("credentialSlot", "userId", "user ID"):
        number = parameters.get(name)
        if isinstance(number, int) and number > max(0, shift):
            return Slot(number - shift)
    return None


def _bolt_hint(value: object) -> BoltHint | None:
    if value == _SECURED_MODE:
        return BoltHint(is_locked=True)
    return BoltHint(is_locked=False) if value in _UNSECURED_MODES else None


def _is_percent(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
