"""What a lock says unasked, as reports."""

import pytest

from drivers.zwave import notices
from drivers.zwave.notices import BoltHint, LowBattery, SlotEcho
from gateway.model.answers import Empty, Held, Sighting, SightingSource
from gateway.model.ids import Slot
from gateway.model.reports import (
    AccessDenied,
    BatteryLevel,
    DenialCode,
    Jammed,
    Locked,
    Method,
    SlotChange,
    SlotChanged,
    Tampered,
    Unlocked,
)

NOTIFICATION = 0x71


LOCKED_OUT = DenialCode.TOO_MANY_ATTEMPTS
BLOCKED = AccessDenied("the keypad is blocked after wrong PINs", code=LOCKED_OUT)


def access(event: int, parameters: object = None) -> notices.Notice | None:
    args: dict[str, object] = {"type": 6, "event": event, "label": "Access Control"}
    if parameters is not None:
        args["parameters"] = parameters
    return notices.from_notification(NOTIFICATION, args)


def value(command_class: int, name: str, key: object, new: object, old: object = None) -> notices.ValueNotice | None:
    return notices.from_value(
        {"commandClass": command_class, "property": name, "propertyKey": key, "newValue": new, "prevValue": old}
    )


@pytest.mark.parametrize(
    ("event", "parameters", "report"),
    [
        (0x01, None, Locked(Method.MANUAL)),
        (0x02, None, Unlocked(Method.MANUAL)),
        (0x03, None, Locked(Method.REMOTE)),
        (0x04, None, Unlocked(Method.REMOTE)),
        (0x05, {"userId": 3}, Locked(Method.KEYCODE, Slot(3))),
        (0x06, {"userId": 7}, Unlocked(Method.KEYCODE, Slot(7))),
        (0x06, {"userId": 0}, Unlocked(Method.KEYCODE)),
        (0x06, None, Unlocked(Method.KEYCODE)),
        (0x06, {"type": "Buffer", "data": [99]}, Unlocked(Method.KEYCODE)),
        (0x09, None, Locked(Method.AUTOMATIC)),
        (0x24, {"userId": 2, "credentialSlot": 9}, Unlocked(Method.KEYCODE, Slot(9))),
        (0x0A, None, Jammed()),
        (0x13, None, AccessDenied("more wrong PINs than the lock allows", code=LOCKED_OUT)),
        (0x20, {"user ID": 4}, AccessDenied("a PIN that only sends a message", Slot(4))),
        (0x30, {"userId": 5}, AccessDenied("outside the lock's own schedule", Slot(5), DenialCode.EXPIRED_CODE)),
    ],
)
def test_access_control_event_becomes_its_report(event: int, parameters: object, report: object) -> None:
    assert access(event, parameters) == report


def test_deleted_code_proves_an_empty_slot_and_an_added_one_a_held_slot() -> None:
    assert access(0x0D, {"userId": 4}) == SlotChanged(
        SlotChange.DELETED, Slot(4), Sighting(Empty(), SightingSource.LOCK)
    )
    assert access(0x0E, {"userId": 4}) == SlotChanged(
        SlotChange.ADDED, Slot(4), Sighting(Held(None), SightingSource.LOCK)
    )


@pytest.mark.parametrize("event", [0x0D, 0x0E])
@pytest.mark.parametrize("parameters", [None, {"userId": 0}, {}])
def test_code_event_that_does_not_name_its_slot_means_any_slot(event: int, parameters: object) -> None:
    assert access(event, parameters) == SlotChanged(SlotChange.CHANGED)


def test_all_deleted_and_duplicate_are_told_without_a_sighting() -> None:
    assert access(0x0C) == SlotChanged(SlotChange.ALL_DELETED)
    assert access(0x0F, {"userId": 4}) == SlotChanged(SlotChange.DUPLICATE_REFUSED, Slot(4))


@pytest.mark.parametrize("event", [0x00, 0x10, 0x12, 0x16, 0x40, 0xFE])
def test_events_that_do_not_concern_us_are_silent(event: int) -> None:
    assert access(event) is None


def test_notification_of_another_class_or_without_an_event_is_silent() -> None:
    assert notices.from_notification(0x6F, {"eventType": 1}) is None
    assert notices.from_notification(NOTIFICATION, {"type": 6}) is None


@pytest.mark.parametrize(("told", "slot"), [(68, Slot(9)), (60, Slot(1)), (59, None), (10, None)])
def test_slots_of_a_lock_that_shifts_them_are_shifted_back_and_lower_numbers_are_nobodys(
    told: int, slot: Slot | None
) -> None:
    args = {"type": 6, "event": 6, "parameters": {"userId": told}}
    assert notices.from_notification(NOTIFICATION, args, 59) == Unlocked(Method.KEYCODE, slot)


def test_battery_that_complains_is_low() -> None:
    assert notices.from_notification(0x80, {"eventType": "battery low", "urgency": 1}) == LowBattery()
    assert value(0x80, "isLow", None, True, False) == LowBattery()
    assert value(NOTIFICATION, "Power Management", "Battery maintenance status", 0x0B, 0) == LowBattery()


def test_home_security_events_are_tampering_and_wrong_pins() -> None:
    assert notices.from_notification(NOTIFICATION, {"type": 7, "event": 9}) == Tampered()
    assert notices.from_notification(NOTIFICATION, {"type": 7, "event": 4}) == AccessDenied("wrong PIN")
    assert notices.from_notification(NOTIFICATION, {"type": 7, "event": 8}) is None


@pytest.mark.parametrize(
    ("command_class", "name", "key", "new", "old", "report"),
    [
        (NOTIFICATION, "Access Control", "Lock state", 11, 0, Jammed()),
        (NOTIFICATION, "Access Control", "Lock state", 0, 11, None),
        (NOTIFICATION, "Access Control", "Keypad state", 16, 0, BLOCKED),
        (NOTIFICATION, "Access Control", "Keypad state", 17, 0, None),
        (NOTIFICATION, "Home Security", "Cover status", 3, 0, Tampered()),
        (NOTIFICATION, "Home Security", "Cover status", 0, 3, None),
        (0x80, "level", None, 85, 86, BatteryLevel(85)),
        (0x80, "level", None, 101, 86, None),
        (0x80, "level", None, None, 86, None),
        (0x80, "isLow", None, False, True, None),
        (0x62, "currentMode", None, 255, 0, BoltHint(is_locked=True)),
        (0x62, "currentMode", None, 0, 255, BoltHint(is_locked=False)),
        (0x62, "currentMode", None, 1, 255, BoltHint(is_locked=False)),
        (0x62, "currentMode", None, 254, 255, None),
        (0x62, "currentMode", None, 255, 255, None),
        (0x62, "boltStatus", None, "locked", "unlocked", None),
        (0x63, "userIdStatus", 4, 1, 0, SlotEcho(Slot(4), "userIdStatus", 1)),
        (0x63, "userCode", 4, "****", "", SlotEcho(Slot(4), "userCode", "****")),
        (0x63, "userCode", 4, "****", "****", None),
        (0x63, "userCode", 0, "4711", "", None),
        (0x63, "keypadMode", None, 1, 0, None),
        (0x70, "level", None, 85, 86, None),
    ],
)
def test_value_update_becomes_its_report(
    command_class: int, name: str, key: object, new: object, old: object, report: object
) -> None:
    assert value(command_class, name, key, new, old) == report
