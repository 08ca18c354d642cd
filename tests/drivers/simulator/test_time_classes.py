"""Schedules and clocks on the air, byte by byte."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drivers.simulator.lock.clock import Minute, Offsets, Turn
from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Firmware
from drivers.simulator.lock.profiles import shipped_model
from drivers.simulator.lock.schedule import Daily, Kind, WeekDay, YearDay
from drivers.simulator.radio.cc.answer import Answer, CommandClass, Outcome
from drivers.simulator.radio.cc.clocks import Clock, Time, TimeParameters
from drivers.simulator.radio.cc.names import name_of
from drivers.simulator.radio.cc.schedule_entry_lock import ScheduleEntryLock

TIMED = replace(shipped_model("timed"), clock_drift_ppm=0)
AT = 1000.0


def asked(command_class: CommandClass, text: str, at: float = AT) -> Answer:
    """Send a command, written as on the air without its class."""
    command = bytes.fromhex(text)
    return command_class.answer(command[0], command[1:], at)


def report(command_class: CommandClass, text: str, at: float = AT) -> str:
    """Send a command and return its one report."""
    (told,) = asked(command_class, text, at).reports
    return told.hex(" ").upper()


def schedules(version: int = 3) -> ScheduleEntryLock:
    return ScheduleEntryLock(Firmware(TIMED), version)


# 06 modify(01) user 3 slot 1, from 27-01-31 14:00 to 27-02-03 10:00, every field one byte
YEAR_DAY_SET = "06 01 03 01  1B 01 1F 0E 00  1B 02 03 0A 00"


def test_year_day_schedule_is_set_read_and_erased() -> None:
    entry = schedules()
    assert asked(entry, YEAR_DAY_SET).outcome is Outcome.SUCCESS
    kept = YearDay(Minute(2027, 1, 31, 14, 0), Minute(2027, 2, 3, 10, 0))
    assert entry.firmware.schedules.get(3, Kind.YEAR_DAY, 1) == kept
    assert report(entry, "07 03 01") == "4E 08 03 01 1B 01 1F 0E 00 1B 02 03 0A 00"
    assert asked(entry, "06 00 03 01 FF FF FF FF FF FF FF FF FF FF").outcome is Outcome.SUCCESS
    assert report(entry, "07 03 01") == "4E 08 03 01" + " FF" * 10


def test_week_day_schedule_is_set_and_read() -> None:
    entry = schedules()
    # modify user 3 slot 2: Monday 09:15 to 17:45
    assert asked(entry, "03 01 03 02 01 09 0F 11 2D").outcome is Outcome.SUCCESS
    assert entry.firmware.schedules.get(3, Kind.WEEK_DAY, 2) == WeekDay(1, 9 * 60 + 15, 17 * 60 + 45)
    assert report(entry, "04 03 02") == "4E 05 03 02 01 09 0F 11 2D"
    assert report(entry, "04 03 03") == "4E 05 03 03 FF FF FF FF FF"


def test_daily_repeating_schedule_is_set_and_read() -> None:
    entry = schedules()
    # modify user 3 slot 7: Friday and Saturday (bits 5 and 6) from 22:00 for 6 h 30 min
    assert asked(entry, "10 01 03 07 60 16 00 06 1E").outcome is Outcome.SUCCESS
    assert entry.firmware.schedules.get(3, Kind.DAILY, 7) == Daily(frozenset({5, 6}), 22 * 60, 390)
    assert report(entry, "0E 03 07") == "4E 0F 03 07 60 16 00 06 1E"


def test_supported_report_counts_the_slots_of_each_kind() -> None:
    assert report(schedules(3), "09") == "4E 0A 07 01 07"
    assert report(schedules(2), "09") == "4E 0A 07 01"


def test_versions_bring_their_commands() -> None:
    assert {
        command: asked(schedules(1), f"{command} 00 3C").outcome for command in ("0B", "0D", "0E", "10")
    } == dict.fromkeys(("0B", "0D", "0E", "10"), Outcome.NO_SUPPORT)
    assert asked(schedules(2), "0B").outcome is Outcome.SUCCESS
    assert asked(schedules(2), "0E 03 01").outcome is Outcome.NO_SUPPORT


def test_users_are_bound_and_freed_one_by_one_and_all_at_once() -> None:
    entry = schedules()
    asked(entry, YEAR_DAY_SET)
    seen = []
    for command in ("01 03 00", "02 01", "02 00", "01 03 01"):
        assert asked(entry, command).outcome is Outcome.SUCCESS
        seen.append((entry.firmware.may_open(3, AT), entry.firmware.may_open(4, AT)))
    assert seen == [(True, True), (False, False), (True, True), (False, True)]


def test_erasing_slot_zero_erases_all_of_the_kind() -> None:
    entry = schedules()
    for slot in (1, 2):
        asked(entry, f"03 01 03 {slot:02X} 01 09 00 11 00")
    assert asked(entry, "03 00 03 00").outcome is Outcome.SUCCESS
    assert report(entry, "04 03 01") == "4E 05 03 01 FF FF FF FF FF"
    assert entry.firmware.may_open(3, AT)


@pytest.mark.parametrize(
    "command",
    [
        "06 01 03 01 EA 01 1F 0E 00 EA 02 03 0A 00",  # the year 2026 cut to a byte, as a careless driver sends it
        "06 01 03 01 1B 02 1E 0E 00 1B 03 03 0A 00",  # February 30th
        "06 01 03 01 1B 02 03 0E 00 1B 02 03 0E 00",  # no time between the ends
        "06 01 03 02 1B 01 1F 0E 00 1B 02 03 0A 00",  # a slot that the lock does not have
        "06 01 1F 01 1B 01 1F 0E 00 1B 02 03 0A 00",  # a user that the lock does not have
        "06 02 03 01 1B 01 1F 0E 00 1B 02 03 0A 00",  # no such action
        "06 01 03 01 1B 01 1F 0E 00 1B 02 03 0A",  # cut short
        "03 01 03 01 01 16 00 06 00",  # over midnight
        "03 01 03 01 01 09 3C 11 00",  # minute 60
        "10 01 03 01 80 09 00 01 00",  # a day that no week has
        "0D 0F 00 3C",  # fifteen hours from UTC
        "01 03 02",  # neither bound nor free
    ],
)
def test_senseless_command_fails_and_changes_nothing(command: str) -> None:
    entry = schedules()
    assert asked(entry, command).outcome is Outcome.FAIL
    assert entry.firmware.schedules.image() == {}
    assert entry.firmware.clock.offsets == Offsets()


def test_time_offset_is_signed_twice() -> None:
    entry = schedules()
    # five hours behind UTC, sixty minutes more in summer
    assert asked(entry, "0D 85 00 3C").outcome is Outcome.SUCCESS
    assert entry.firmware.clock.offsets == Offsets(-300, 60)
    assert report(entry, "0B") == "4E 0C 85 00 3C"


def test_time_parameters_set_and_tell_utc() -> None:
    clock = TimeParameters(Firmware(TIMED), 1)
    clock.firmware.clock.offsets = Offsets(60, 0)
    # 2027-01-31 13:37:05
    assert asked(clock, "01 07EB 01 1F 0D 25 05").outcome is Outcome.SUCCESS
    assert clock.firmware.clock.utc(AT) == datetime(2027, 1, 31, 13, 37, 5, tzinfo=UTC)
    assert report(clock, "02", AT + 60) == "8B 03 07 EB 01 1F 0D 26 05"


@pytest.mark.parametrize(
    "body", ["", "07EB 01 1F 0D 25", "07EB 0D 01 00 00 00", "07EB 02 1E 00 00 00", "07EB 01 01 18 00 00"]
)
def test_time_that_is_none_is_refused(body: str) -> None:
    clock = TimeParameters(Firmware(TIMED), 1)
    assert asked(clock, "01" + body).outcome is Outcome.FAIL
    assert not clock.firmware.clock.is_set


def test_lock_may_say_that_it_took_the_time_and_keep_its_own() -> None:
    stubborn = Firmware(TIMED, strikes=lambda fault: fault is Fault.IGNORE_CLOCK)
    assert asked(TimeParameters(stubborn, 1), "01 07EB 01 1F 0D 25 05").outcome is Outcome.SUCCESS
    assert stubborn.clock.utc(AT).year == 2000


def test_time_is_told_locally_and_says_when_it_was_lost() -> None:
    lock = Firmware(TIMED)
    time = Time(lock, 2)
    # lost flag 80; January 1st 2000, 1000 seconds after midnight
    assert report(time, "01") == "8A 02 80 10 28"
    lock.set_clock(datetime(2027, 1, 31, 23, 30, tzinfo=UTC).timestamp(), AT)
    lock.clock.offsets = Offsets(60, 0)
    assert report(time, "01") == "8A 02 00 1E 00"
    assert report(time, "03") == "8A 04 07 EB 02 01"


def test_time_offset_carries_the_turns_of_summer_time() -> None:
    time = Time(Firmware(TIMED), 2)
    assert report(time, "06") == "8A 07 00 00 00 00 00 00 00 00 00"
    # one hour ahead, sixty minutes in summer, from March 28th 02 h to October 31st 03 h
    assert asked(time, "05 01 00 3C 03 1C 02 0A 1F 03").outcome is Outcome.SUCCESS
    assert time.firmware.clock.offsets == Offsets(60, 60, (Turn(3, 28, 2), Turn(10, 31, 3)))
    assert report(time, "06") == "8A 07 01 00 3C 03 1C 02 0A 1F 03"
    assert asked(time, "05 01 00 3C 0D 1C 02 0A 1F 03").outcome is Outcome.FAIL
    assert asked(Time(Firmware(TIMED), 1), "06").outcome is Outcome.NO_SUPPORT


def test_clock_means_the_nearest_day_of_that_name() -> None:
    lock = Firmware(TIMED)
    lock.set_clock(datetime(2027, 1, 31, 23, 30, tzinfo=UTC).timestamp(), AT)  # a Sunday
    clock = Clock(lock, 1)
    assert report(clock, "05") == "81 06 F7 1E"
    # Monday (1) 00:15
    assert asked(clock, "04 20 0F").outcome is Outcome.SUCCESS
    assert lock.clock.local(AT) == datetime(2027, 2, 1, 0, 15, tzinfo=UTC)
    for nonsense in ("04", "04 00 00", "04 38 00", "04 20 3C"):
        assert asked(clock, nonsense).outcome is Outcome.FAIL


def test_trace_names_the_user_of_a_schedule() -> None:
    assert name_of(bytes.fromhex("4E" + YEAR_DAY_SET)) == "Year Day Schedule Set #3"
    assert name_of(bytes.fromhex("4E 07 03 01")) == "Year Day Schedule Get #3"
