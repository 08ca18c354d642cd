"""Command classes: bytes on the air against what the lock holds."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Bolt, Firmware, How, Notice, NoticeKind, Press, PressOutcome
from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.radio.cc.answer import Answer, CommandClass, Outcome
from drivers.simulator.radio.cc.association import Association, AssociationGroupInfo
from drivers.simulator.radio.cc.battery import Battery
from drivers.simulator.radio.cc.door_lock import DoorLock
from drivers.simulator.radio.cc.identity import DeviceResetLocally, ManufacturerSpecific, Version, ZWavePlusInfo
from drivers.simulator.radio.cc.names import name_of
from drivers.simulator.radio.cc.notification import Notification
from drivers.simulator.radio.cc.supervision import Sessions, open_envelope, report
from drivers.simulator.radio.cc.user_code import UserCode

AT = 1000.0
V1, V2 = shipped_model("plain_v1"), shipped_model("plain_v2")


def only(answer: Answer) -> bytes:
    """Return the one report of an answer."""
    assert len(answer.reports) == 1
    return answer.reports[0]


def test_user_code_v1_sets_reads_and_clears_a_slot() -> None:
    lock = Firmware(V1)
    codes = UserCode(lock, 1)
    assert codes.answer(0x01, bytes([3, 1]) + b"4711", AT).outcome is Outcome.SUCCESS
    # User Code, Report, slot 3, enabled, digits
    assert only(codes.answer(0x02, bytes([3]), AT)) == bytes.fromhex("63 03 03 01 34 37 31 31")
    # Set with status 0 and four zero bytes clears; the empty slot reports four zero bytes.
    assert codes.answer(0x01, bytes([3, 0, 0, 0, 0, 0]), AT).outcome is Outcome.SUCCESS
    assert only(codes.answer(0x02, bytes([3]), AT)) == bytes.fromhex("63 03 03 00 00 00 00 00")


def test_user_code_zero_clears_every_slot() -> None:
    lock = Firmware(V1, memory={1: "4711", 2: "4712"})
    assert UserCode(lock, 1).answer(0x01, bytes([0, 0, 0, 0, 0, 0]), AT).outcome is Outcome.SUCCESS
    assert lock.occupied(AT) == {}


def test_slot_that_does_not_exist_reports_not_available() -> None:
    assert only(UserCode(Firmware(V1), 1).answer(0x02, bytes([31]), AT))[3] == 0xFE


def test_refusal_reaches_supervision_as_failure_unless_the_lock_is_silent() -> None:
    honest = UserCode(Firmware(V1, memory={1: "4711"}), 1)
    silent = UserCode(Firmware(shipped_model("no_supervision"), memory={1: "4711"}), 1)
    assert honest.answer(0x01, bytes([2, 1]) + b"4711", AT).outcome is Outcome.FAIL
    assert silent.answer(0x01, bytes([2, 1]) + b"4711", AT).outcome is Outcome.SUCCESS


def test_masked_lock_reports_asterisks() -> None:
    codes = UserCode(Firmware(shipped_model("masked"), memory={1: "471147"}), 1)
    assert only(codes.answer(0x02, bytes([1]), AT)) == bytes.fromhex("63 03 01 01") + b"******"


@pytest.mark.parametrize(
    ("version", "body"),
    [(1, bytes.fromhex("63 05 1E")), (2, bytes.fromhex("63 05 32 00 32"))],
)
def test_users_number_is_two_bytes_wider_from_version_2(version: int, body: bytes) -> None:
    assert only(UserCode(Firmware(V1 if version == 1 else V2), version).answer(0x04, b"", AT)) == body


def test_version_1_knows_no_extended_commands() -> None:
    codes = UserCode(Firmware(V1), 1)
    assert {codes.answer(command, bytes(3), AT).outcome for command in (0x06, 0x0B, 0x0C, 0x11)} == {Outcome.NO_SUPPORT}


def test_extended_set_takes_several_codes_and_extended_get_returns_them() -> None:
    codes = UserCode(Firmware(V2), 2)
    # two codes: slot 1 enabled length 4, slot 9 enabled length 5
    body = bytes.fromhex("02 0001 01 04") + b"4711" + bytes.fromhex("0009 01 05") + b"47125"
    assert codes.answer(0x0B, body, AT).outcome is Outcome.SUCCESS
    bulk = bytes.fromhex("63 0D 02 0001 01 04") + b"4711" + bytes.fromhex("0009 01 05") + b"47125" + bytes(2)
    assert only(codes.answer(0x0C, bytes.fromhex("0001 01"), AT)) == bulk
    single = bytes.fromhex("63 0D 01 0001 01 04") + b"4711" + bytes.fromhex("0009")
    assert only(codes.answer(0x0C, bytes.fromhex("0001 00"), AT)) == single


def test_extended_get_of_an_empty_slot_points_to_the_next_code() -> None:
    codes = UserCode(Firmware(V2, memory={9: "4711"}), 2)
    assert only(codes.answer(0x0C, bytes.fromhex("0001 00"), AT)) == bytes.fromhex("63 0D 01 0001 00 00 0009")


def test_extended_clear_all_empties_the_lock() -> None:
    lock = Firmware(V2, memory={9: "4711"})
    assert UserCode(lock, 2).answer(0x0B, bytes.fromhex("01 0000 00 00"), AT).outcome is Outcome.SUCCESS
    assert lock.occupied(AT) == {}


@pytest.mark.parametrize("body", ["", "00", "01 0001 01", "01 0001 01 04 34", "02 0001 01 01 34"])
def test_cut_extended_set_fails_and_changes_nothing(body: str) -> None:
    lock = Firmware(V2)
    assert UserCode(lock, 2).answer(0x0B, bytes.fromhex(body), AT).outcome is Outcome.FAIL
    assert lock.occupied(AT) == {}


def test_checksum_is_zero_when_empty_and_follows_every_change() -> None:
    lock = Firmware(V2)
    codes = UserCode(lock, 2)
    assert only(codes.answer(0x11, b"", AT)) == bytes.fromhex("63 12 0000")
    seen = {codes.checksum(AT)}
    lock.write(1, "4711", AT)
    seen.add(codes.checksum(AT))
    lock.write(1, "4711", AT, is_enabled=False)
    seen.add(codes.checksum(AT))
    lock.write(2, "4712", AT)
    seen.add(codes.checksum(AT))
    assert len(seen) == 4
    lock.clear_all(AT)
    assert codes.checksum(AT) == 0


def test_checksum_agrees_with_a_bit_by_bit_calculation() -> None:
    lock = Firmware(V2, memory={2: "9876", 3: "8765"})
    covered = bytes.fromhex("0002 01") + b"9876" + bytes.fromhex("0003 01") + b"8765"
    crc = 0x1D0F
    for bit in (byte >> place & 1 for byte in covered for place in range(7, -1, -1)):
        crc = (crc << 1 ^ 0x1021 if (crc >> 15 & 1) ^ bit else crc << 1) & 0xFFFF
    assert UserCode(lock, 2).checksum(AT) == crc


def test_capabilities_list_digits_checksum_and_bulk() -> None:
    # one status byte (0, 1, 2), checksum + bulk report + bulk set, one mode byte (normal, vacation), eight key bytes with bits 0x30 to 0x39
    expected = bytes.fromhex("63 07 01 07 E1 03 08 00 00 00 00 00 00 FF 03")
    assert only(UserCode(Firmware(V2), 2).answer(0x06, b"", AT)) == expected
    bare = replace(V2, has_checksum=False, has_bulk=False, has_admin_code=True)
    expected = bytes.fromhex("63 07 81 07 01 03 08 00 00 00 00 00 00 FF 03")
    assert only(UserCode(Firmware(bare), 2).answer(0x06, b"", AT)) == expected


def test_lock_without_bulk_or_checksum_takes_and_tells_one_code_at_a_time() -> None:
    codes = UserCode(Firmware(replace(V2, has_checksum=False, has_bulk=False), memory={1: "4711", 9: "4712"}), 2)
    two = bytes.fromhex("02 0002 01 04") + b"5711" + bytes.fromhex("0003 01 04") + b"5712"
    assert codes.answer(0x0B, two, AT).outcome is Outcome.FAIL
    assert only(codes.answer(0x0C, bytes.fromhex("0001 01"), AT)) == bytes.fromhex(
        "63 0D 01 0001 01 04"
    ) + b"4711" + bytes.fromhex("0009")
    assert codes.answer(0x11, b"", AT).outcome is Outcome.NO_SUPPORT


def test_keypad_mode_switches_user_codes_off_and_on() -> None:
    lock = Firmware(V2, memory={1: "4711"})
    codes = UserCode(lock, 2)
    assert only(codes.answer(0x09, b"", AT)) == bytes.fromhex("63 0A 00")
    assert codes.answer(0x08, b"\x01", AT).outcome is Outcome.SUCCESS
    assert only(codes.answer(0x09, b"", AT)) == bytes.fromhex("63 0A 01")
    assert lock.press("4711", AT).outcome is PressOutcome.SWITCHED_OFF
    assert codes.answer(0x08, b"\x07", AT).outcome is Outcome.FAIL
    codes.answer(0x08, b"\x00", AT)
    assert lock.press("4711", AT).outcome is PressOutcome.OPENED


def test_admin_code_is_set_shown_and_opens() -> None:
    lock = Firmware(replace(V2, has_admin_code=True), memory={1: "4711"})
    codes = UserCode(lock, 2)
    assert only(codes.answer(0x0F, b"", AT)) == bytes.fromhex("63 10 00")
    assert codes.answer(0x0E, b"\x06902461", AT).outcome is Outcome.SUCCESS
    assert only(codes.answer(0x0F, b"", AT)) == bytes.fromhex("63 10 06") + b"902461"
    assert lock.press("902461", AT) == Press(PressOutcome.OPENED)
    assert {
        codes.answer(0x0E, body, AT).outcome for body in (b"", b"\x06123", b"\x044711", b"\x0412a4", b"\x03123")
    } == {Outcome.FAIL}
    assert UserCode(Firmware(V2), 2).answer(0x0F, b"", AT).outcome is Outcome.NO_SUPPORT


def test_cleared_slot_shows_what_its_maker_lets_it_show() -> None:
    codes = UserCode(Firmware(shipped_model("schlage_be469")), 1)
    assert only(codes.answer(0x02, bytes([3]), AT)) == bytes.fromhex("63 03 03 00") + b"0000"


def test_protected_slot_is_not_available() -> None:
    codes = UserCode(Firmware(shipped_model("yale_zw3")), 2)
    assert only(codes.answer(0x0C, bytes.fromhex("00FB 00"), AT)) == bytes.fromhex("63 0D 01 00FB FE 00 0000")


def misbehaving(fault: Fault) -> UserCode:
    return UserCode(Firmware(V1, memory={1: "4711"}, strikes=lambda asked: asked is fault), 1)


def test_dropped_write_is_answered_with_silence_and_changes_nothing() -> None:
    codes = misbehaving(Fault.DROP_WRITE)
    assert codes.answer(0x01, bytes([2, 1]) + b"4712", AT).is_silent
    assert codes.firmware.occupied(AT).keys() == {1}


def test_question_about_a_slot_may_be_answered_late_or_never() -> None:
    late = misbehaving(Fault.REPORT_LATE).answer(0x02, bytes([1]), AT)
    never = misbehaving(Fault.NO_REPORT).answer(0x02, bytes([1]), AT)
    assert (only(late)[3], late.takes_s) == (0x01, 8.0)
    assert (never.is_silent, never.reports) == (True, ())


@pytest.mark.parametrize(("version", "tail"), [(2, ""), (4, "FF 00")])
def test_door_lock_reports_the_bolt(version: int, tail: str) -> None:
    door = DoorLock(Firmware(V1), version)
    assert only(door.answer(0x02, b"", AT)) == bytes.fromhex("62 03 FF 00 01 FE FE" + tail)


def test_door_lock_moves_the_bolt_by_radio() -> None:
    lock = Firmware(V1)
    door = DoorLock(lock, 2)
    assert door.answer(0x01, b"\x00", AT).outcome is Outcome.SUCCESS
    assert lock.bolt is Bolt.UNLOCKED
    assert [notice.kind for notice in lock.drain_notices()] == [NoticeKind.RADIO_UNLOCKED]
    assert door.answer(0x01, b"\x77", AT).outcome is Outcome.FAIL
    assert door.answer(0x07, b"", AT).outcome is Outcome.NO_SUPPORT


def test_keypad_notice_carries_the_slot_and_no_digits() -> None:
    told = Notification(Firmware(V1), 8).report(Notice(NoticeKind.KEYPAD_UNLOCKED, AT, 5))
    # v1 alarm 00 00 00, status FF, access control, event 6, 8 parameter bytes: User Code Report slot 5 enabled ****
    assert told == bytes.fromhex("71 05 00 00 00 FF 06 06 08 63 03 05 01") + b"****"


def test_notice_without_a_slot_has_no_parameters() -> None:
    told = Notification(Firmware(V1), 8).report(Notice(NoticeKind.JAMMED, AT))
    assert told == bytes.fromhex("71 05 00 00 00 FF 06 0B 00")


def test_low_battery_is_not_told_by_notification_but_by_battery() -> None:
    lock = Firmware(V1)
    assert Notification(lock, 8).report(Notice(NoticeKind.LOW_BATTERY, AT)) is None
    lock.set_battery(64, AT)
    assert only(Battery(lock, 1).answer(0x02, b"", AT)) == bytes.fromhex("80 03 40")
    assert Battery(lock, 1).warning() == bytes.fromhex("80 03 FF")


def test_notification_declares_access_control_and_shows_a_jam() -> None:
    lock = Firmware(V1)
    notification = Notification(lock, 8)
    assert only(notification.answer(0x07, b"", AT)) == bytes.fromhex("71 08 01 C0")
    assert only(notification.answer(0x04, bytes.fromhex("00 06 00"), AT))[7] == 0x00
    lock.jam(AT)
    assert only(notification.answer(0x04, bytes.fromhex("00 06 00"), AT))[7] == 0x0B
    # events 1-6, 9, B-F, 10
    assert only(notification.answer(0x01, b"\x06", AT)) == bytes.fromhex("71 02 06 03 7E FA 01")


def test_identity_is_told_byte_by_byte() -> None:
    model = shipped_model("ubolt_pro")
    version = Version(model, 3, {0x63: 1})
    assert only(version.answer(0x11, b"", AT)) == bytes.fromhex("86 12 03 07 12 01 01 01 00")
    assert only(version.answer(0x13, b"\x63", AT)) == bytes.fromhex("86 14 63 01")
    assert only(version.answer(0x13, b"\x99", AT)) == bytes.fromhex("86 14 99 00")
    maker = ManufacturerSpecific(model, 2, b"\x00\x00\x00\x07")
    assert only(maker.answer(0x04, b"", AT)) == bytes.fromhex("72 05 0452 0004 0001")
    assert only(maker.answer(0x06, b"\x01", AT)) == bytes.fromhex("72 07 01 24 00000007")
    assert only(ZWavePlusInfo(model, 2).answer(0x01, b"", AT)) == bytes.fromhex("5E 02 02 07 00 0300 0300")
    assert DeviceResetLocally(1).answer(0x01, b"", AT).outcome is Outcome.NO_SUPPORT


def test_lifeline_takes_and_gives_up_nodes_within_its_bound() -> None:
    association = Association(2)
    assert only(association.answer(0x02, b"\x01", AT)) == bytes.fromhex("85 03 01 03 00 01")
    assert association.answer(0x01, bytes([1, 5, 6]), AT).outcome is Outcome.SUCCESS
    assert association.answer(0x01, bytes([1, 7]), AT).outcome is Outcome.FAIL
    assert association.answer(0x01, bytes([2, 7]), AT).outcome is Outcome.FAIL
    association.answer(0x04, bytes([1, 5]), AT)
    assert association.nodes == [1, 6]
    assert only(AssociationGroupInfo(1).answer(0x01, bytes([0, 1]), AT)) == bytes.fromhex("59 02 01 08") + b"Lifeline"


def test_supervision_envelope_opens_and_cut_ones_do_not() -> None:
    envelope = open_envelope(bytes.fromhex("6C 01 85 03 63 02 01"))
    assert envelope is not None
    assert (envelope.session, envelope.command) == (5, bytes.fromhex("63 02 01"))
    for cut in ("6C 01 85", "6C 01 85 04 63 02 01", "6C 01 85 00", "63 02 01 00 00"):
        assert open_envelope(bytes.fromhex(cut)) is None
    assert report(5, Outcome.FAIL) == bytes.fromhex("6C 02 05 02 00")


def test_repeated_session_gets_the_same_report_and_a_new_command_does_not() -> None:
    sessions = Sessions()
    first = open_envelope(bytes.fromhex("6C 01 05 03 63 02 01"))
    other = open_envelope(bytes.fromhex("6C 01 05 03 63 02 02"))
    assert first is not None
    assert other is not None
    assert sessions.repeated(1, first) is None
    sessions.close(1, first, report(5, Outcome.SUCCESS))
    assert sessions.repeated(1, first) == report(5, Outcome.SUCCESS)
    assert sessions.repeated(1, other) is None
    assert sessions.repeated(2, first) is None


def test_commands_with_missing_bytes_fail_instead_of_raising() -> None:
    lock = Firmware(V2)
    classes: list[CommandClass] = [
        UserCode(lock, 2),
        DoorLock(lock, 4),
        Notification(lock, 8),
        Battery(lock, 1),
        Association(2),
    ]
    for command_class in classes:
        for command in range(0x20):
            command_class.answer(command, b"", AT)


def test_trace_names_show_slots_and_never_codes() -> None:
    assert name_of(bytes.fromhex("63 01 05 01") + b"4711") == "User Code Set #5"
    assert (
        name_of(bytes.fromhex("6C 01 05 0C 63 0B 01 0105 01 04") + b"4711")
        == "Supervision > Extended User Code Set #261"
    )
    assert name_of(b"\x00") == "No Operation"
    assert name_of(bytes.fromhex("99 01")) == "class 0x99 command 0x01"


def test_no_answer_shows_a_code_in_its_repr() -> None:
    codes = UserCode(Firmware(V1, memory={1: "4711"}), 1)
    assert "4711" not in repr(codes.answer(0x02, b"\x01", AT))


def test_locking_by_hand_is_what_the_report_then_says() -> None:
    lock = Firmware(V1)
    lock.unlock(AT, How.MANUAL)
    assert DoorLock(lock, 2).operation_report()[2] == 0x00
    lock.jam(AT)
    assert DoorLock(lock, 2).operation_report()[2] == 0xFE
