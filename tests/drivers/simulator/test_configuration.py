"""Configuration parameters: what they mean to the lock, and how they stand on the air."""

import pytest

from drivers.simulator.lock.clock import Minute
from drivers.simulator.lock.firmware import Firmware, NoticeKind, PressOutcome, Refusal
from drivers.simulator.lock.profiles import LockModel, shipped_model
from drivers.simulator.lock.schedule import WeekDay, YearDay
from drivers.simulator.radio.cc.answer import Answer, Outcome
from drivers.simulator.radio.cc.configuration import Configuration

AT = 1000.0
SCHLAGE, KWIKSET, HC620 = (shipped_model(key) for key in ("schlage_be469", "kwikset_914", "kwikset_hc620"))


def configuration(model: LockModel, codes: dict[int, str]) -> Configuration:
    return Configuration(Firmware(model, memory=codes), model.command_classes["configuration"])


def asked(settings: Configuration, text: str) -> Answer:
    command = bytes.fromhex(text)
    return settings.answer(command[0], command[1:], AT)


def report(settings: Configuration, text: str) -> str:
    (told,) = asked(settings, text).reports
    return told.hex(" ").upper()


def test_used_slots_are_one_bit_each_and_read_only() -> None:
    settings = configuration(SCHLAGE, {1: "4711", 2: "4712", 3: "4713", 30: "4714"})
    assert report(settings, "05 06") == "70 06 06 04 07 00 00 20"
    assert asked(settings, "04 06 01 00").outcome is Outcome.FAIL


def test_change_of_the_length_erases_every_code_and_is_told() -> None:
    settings = configuration(SCHLAGE, {1: "4711"})
    lock = settings.firmware
    assert report(settings, "05 10") == "70 06 10 01 04"
    assert asked(settings, "04 10 01 04").outcome is Outcome.SUCCESS
    kept = set(lock.occupied(AT))
    assert asked(settings, "04 10 01 06").outcome is Outcome.SUCCESS
    assert (kept, set(lock.occupied(AT))) == ({1}, set())
    assert [notice.kind for notice in lock.drain_notices()] == [NoticeKind.ALL_CODES_DELETED]
    assert (lock.write(1, "4711", AT).refusal, lock.write(1, "471147", AT).is_ok) == (Refusal.LENGTH, True)
    again = Firmware(SCHLAGE)
    again.restore(lock.image())
    assert again.code_length == 6
    assert asked(settings, "04 10 01 09").outcome is Outcome.FAIL


def test_vacation_switches_the_keypad_off() -> None:
    settings = configuration(SCHLAGE, {1: "4711"})
    assert asked(settings, "04 04 01 FF").outcome is Outcome.SUCCESS
    assert report(settings, "05 04") == "70 06 04 01 FF"
    assert settings.firmware.press("4711", AT).outcome is PressOutcome.SWITCHED_OFF
    assert settings.firmware.opening(AT) == {}
    assert asked(settings, "04 04 01 07").outcome is Outcome.FAIL
    # the flag 80 puts the maker's value back
    assert asked(settings, "04 04 81").outcome is Outcome.SUCCESS
    assert settings.firmware.press("4711", AT).outcome is PressOutcome.OPENED


def test_user_types_follow_the_schedules() -> None:
    settings = configuration(KWIKSET, {1: "4711", 2: "4911", 3: "5911"})
    settings.firmware.put_schedule(2, 1, YearDay(Minute(2027, 1, 1, 0, 0), Minute(2027, 1, 2, 0, 0)), AT)
    settings.firmware.put_schedule(3, 1, WeekDay(1, 0, 60), AT)
    assert [report(settings, f"05 {number:02X}")[-2:] for number in (1, 2, 3, 30)] == ["01", "03", "04", "01"]


def test_plain_parameter_is_kept_and_an_unknown_one_refused() -> None:
    settings = configuration(SCHLAGE, {})
    assert asked(settings, "04 03 01 FF").outcome is Outcome.SUCCESS
    assert report(settings, "05 03") == "70 06 03 01 FF"
    for wrong in (
        "04 0C 01 00",
        "04 63 01 FF",
        "05 63",
        "04 03 04 00 00 00 01",
        "04 03 03 00 00 01",
        "04 03 01",
        "05",
        "04",
    ):
        assert asked(settings, wrong).outcome is Outcome.FAIL


def test_properties_lead_from_one_parameter_to_the_next() -> None:
    settings = configuration(HC620, {})
    # parameter 1: unsigned, one byte, from 00 to FF, maker's value 00; next is 2; flags of version 4
    assert report(settings, "0E 0001") == "70 0F 00 01 09 00 FF 00 00 02 00"
    assert report(settings, "0E 0004") == "70 0F 00 04 09 00 FF 00 00 0A 00"
    # parameter 46: read only, four bytes; it is the last
    assert report(settings, "0E 002E") == "70 0F 00 2E 4C 00 00 00 00 FF FF FF FF 00 00 00 00 00 00 00"
    assert report(settings, "0E 0000") == "70 0F 00 00 00 00 01 00"
    assert report(settings, "0A 0001") == "70 0B 00 01 00 70 6C 61 69 6E"
    assert asked(configuration(SCHLAGE, {}), "0E 0001").outcome is Outcome.NO_SUPPORT


@pytest.mark.parametrize("key", ["schlage_be469", "schlage_be469zp", "kwikset_914", "kwikset_hc620", "yale_zw3"])
def test_every_parameter_of_a_profile_can_be_read(key: str) -> None:
    settings = configuration(shipped_model(key), {})
    for number in settings.firmware.model.parameters.values():
        assert asked(settings, f"05 {number:02X}").outcome is Outcome.SUCCESS
