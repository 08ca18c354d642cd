"""What locks tell on their own, byte by byte: version 1 alarms, events, and where the slot's number is."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.firmware import Firmware, Notice, NoticeKind
from drivers.simulator.lock.profiles import SlotIn, shipped_model
from drivers.simulator.radio.cc.answer import Outcome
from drivers.simulator.radio.cc.notification import Notification

AT = 1000.0
KWIKSET, YALE, SCHLAGE = (shipped_model(key) for key in ("kwikset_914", "yale_zw3", "schlage_be469"))


def told(notification: Notification, kind: NoticeKind, slot: int | None = None) -> str | None:
    """The report of a notice as spaced hex; None when the lock keeps it to itself."""
    report = notification.report(Notice(kind, AT, slot))
    return report.hex(" ").upper() if report is not None else None


@pytest.mark.parametrize(
    ("kind", "slot", "report"),
    [
        (NoticeKind.KEYPAD_UNLOCKED, 7, "71 05 13 07"),
        (NoticeKind.KEYPAD_LOCKED, None, "71 05 12 00"),
        (NoticeKind.MANUALLY_LOCKED, None, "71 05 15 00"),
        (NoticeKind.JAMMED, None, "71 05 09 00"),
        (NoticeKind.CODE_DELETED, 7, "71 05 21 07"),
        (NoticeKind.ALL_CODES_DELETED, None, "71 05 20 00"),
        (NoticeKind.DUPLICATE_REFUSED, 7, None),
    ],
)
def test_version_1_alarm_is_a_type_and_a_level(kind: NoticeKind, slot: int | None, report: str | None) -> None:
    assert told(Notification(Firmware(KWIKSET), 1), kind, slot) == report


def test_version_1_answers_its_get_and_knows_nothing_else() -> None:
    lock = Firmware(KWIKSET)
    alarm = Notification(lock, 1)
    assert alarm.answer(0x04, b"\x00", AT).reports == (bytes.fromhex("71 05 00 00"),)
    lock.jam(AT)
    assert alarm.answer(0x04, b"\x00", AT).reports == (bytes.fromhex("71 05 09 00"),)
    assert {alarm.answer(command, b"\x06", AT).outcome for command in (0x01, 0x06, 0x07)} == {Outcome.NO_SUPPORT}


def test_later_version_carries_the_alarm_beside_the_event() -> None:
    yale = Notification(Firmware(YALE), 8)
    # alarm 13 level 7, no source node, on, access control, keypad unlock, 8 bytes: User Code Report of slot 7
    assert told(yale, NoticeKind.KEYPAD_UNLOCKED, 7) == "71 05 13 07 00 FF 06 06 08 63 03 07 01 2A 2A 2A 2A"
    # an event without a number of its own: only alarm 132 says what it is
    assert told(yale, NoticeKind.OUTSIDE_SCHEDULE, 7) == "71 05 84 07 00 FF 06 FE 08 63 03 07 01 2A 2A 2A 2A"
    # alarm 130, power management, power has been applied
    assert told(yale, NoticeKind.POWER_APPLIED) == "71 05 82 00 00 FF 08 01 00"
    # two bytes of types with the flag of alarms: 6, 7 and 8
    assert yale.answer(0x07, b"", AT).reports == (bytes.fromhex("71 08 82 C0 01"),)


def test_event_without_a_number_is_told_only_where_an_alarm_says_it() -> None:
    assert told(Notification(Firmware(shipped_model("plain_v1")), 8), NoticeKind.OUTSIDE_SCHEDULE, 7) is None


@pytest.mark.parametrize(
    ("slot_in", "level", "tail"),
    [
        (SlotIn.CODE_REPORT, "07", "08 63 03 07 01 2A 2A 2A 2A"),
        (SlotIn.BYTE, "07", "01 07"),
        (SlotIn.LEVEL, "07", "00"),
        (SlotIn.NOWHERE, "00", "00"),
    ],
)
def test_slot_is_where_the_profile_says(slot_in: SlotIn, level: str, tail: str) -> None:
    notification = Notification(Firmware(replace(SCHLAGE, slot_in=slot_in)), 3)
    assert told(notification, NoticeKind.KEYPAD_UNLOCKED, 7) == f"71 05 13 {level} 00 FF 06 06 {tail}"


def test_offset_is_added_to_the_slot() -> None:
    notification = Notification(Firmware(replace(SCHLAGE, slot_offset=-1)), 3)
    assert told(notification, NoticeKind.KEYPAD_UNLOCKED, 7) == "71 05 13 06 00 FF 06 06 01 06"


def test_cover_is_told_as_tampering_and_its_end_as_idle() -> None:
    notification = Notification(Firmware(shipped_model("plain_v1")), 8)
    assert told(notification, NoticeKind.COVER_OPENED) == "71 05 00 00 00 FF 07 03 00"
    assert told(notification, NoticeKind.COVER_CLOSED) == "71 05 00 00 00 FF 07 00 00"
    assert notification.answer(0x01, b"\x07", AT).reports == (bytes.fromhex("71 02 07 01 08"),)
    assert notification.answer(0x01, b"\x08", AT).reports == (bytes.fromhex("71 02 08 00"),)
    assert notification.answer(0x01, b"", AT).outcome is Outcome.FAIL
