"""What makes one kind of lock another: each behaviour by the fact that switches it, and the shipped kinds by their names."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import Bolt, Firmware, How, NoticeKind, PressOutcome, Refusal, Status
from drivers.simulator.lock.profiles import Duplicates, shipped_model, shipped_profiles

PLAIN = shipped_model("plain_v1")
AT = 1000.0


def struck(*faults: Fault, **facts: object) -> Firmware:
    """A lock with one code in slot 1 on which these faults strike every time."""
    model = replace(PLAIN, **facts)  # type: ignore[arg-type]  # facts are named by the tests below
    return Firmware(model, memory={1: "4711"}, strikes=lambda asked: asked in faults, at=AT)


def stored(lock: Firmware, at: float = AT) -> dict[int, str | None]:
    return {user_id: slot.pin for user_id, slot in lock.occupied(at).items()}


def told(lock: Firmware) -> list[tuple[NoticeKind, int | None]]:
    return [(notice.kind, notice.user_id) for notice in lock.drain_notices()]


# Codes.


def test_digits_that_share_a_key_are_the_same_digits() -> None:
    lock = struck(key_groups="12 34 56 78 90")
    assert lock.press("3822", AT).outcome is PressOutcome.OPENED
    assert lock.write(2, "3812", AT).refusal is Refusal.DUPLICATE
    assert lock.write(2, "3813", AT).is_ok


def test_beginning_of_the_programming_code_is_refused() -> None:
    lock = struck(programming_code="846273")
    assert [lock.write(2, pin, AT).refusal for pin in ("8462", "84627", "846273", "6273")] == [
        Refusal.PROGRAMMING_CODE
    ] * 3 + [None]


def test_masked_code_shows_as_many_asterisks_as_the_model_does() -> None:
    lock = struck(is_masked=True, masked_length=10)
    slot = lock.read(1, AT)
    assert slot is not None
    assert slot.shown == "*" * 10


def test_protected_slot_is_neither_written_nor_cleared_nor_shown() -> None:
    lock = struck(protected_slot=5)
    assert lock.write(5, "4712", AT).refusal is Refusal.PROTECTED
    assert lock.clear(5, AT).refusal is Refusal.PROTECTED
    assert lock.read(5, AT) is None


def test_lock_that_deletes_new_codes_does_so_after_its_time() -> None:
    lock = struck(soak_s=50)
    lock.write(2, "4712", AT)
    assert (stored(lock, AT + 49), stored(lock, AT + 50)) == ({1: "4711", 2: "4712"}, {1: "4711"})
    assert lock.due_at() is None


def test_armed_deletion_takes_the_new_code_after_a_minute() -> None:
    lock = struck(Fault.DELETE_LATE)
    lock.write(2, "4712", AT)
    assert lock.due_at() == AT + 60
    assert (stored(lock, AT + 59), stored(lock, AT + 60)) == ({1: "4711", 2: "4712"}, {1: "4711"})


def test_power_loss_undoes_what_was_not_committed_yet() -> None:
    lock = struck(commit_s=5)
    lock.write(1, "5711", AT)
    lock.write(1, "6711", AT + 1)
    lock.write(2, "4712", AT + 1)
    seen = stored(lock, AT + 1)
    lock.lose_power(AT + 2)
    assert (seen, stored(lock, AT + 2)) == ({1: "6711", 2: "4712"}, {1: "4711"})


def test_power_loss_after_the_commit_keeps_the_code() -> None:
    slow, quick = struck(commit_s=5), struck()
    for lock in (slow, quick):
        lock.write(2, "4712", AT)
        lock.lose_power(AT + 5)
        assert stored(lock, AT + 6) == {1: "4711", 2: "4712"}


def test_write_while_the_bolt_moves_is_dropped_without_a_word() -> None:
    lock = struck(busy_after_move_s=2)
    lock.lock(AT, How.RADIO)
    early, late = lock.write(2, "4712", AT + 1), lock.write(2, "4712", AT + 2)
    assert (early.refusal, early.claims_success, late.is_ok) == (Refusal.BUSY, True, True)


# Hands.


def test_code_switched_off_by_hand_does_not_open_until_it_is_switched_on() -> None:
    lock = struck()
    lock.switch_at_keypad(1, AT, is_enabled=False)
    slot, off = lock.read(1, AT), lock.press("4711", AT).outcome
    lock.switch_at_keypad(1, AT, is_enabled=True)
    assert slot is not None
    assert (slot.status, off, lock.press("4711", AT).outcome) == (
        Status.DISABLED,
        PressOutcome.REFUSED,
        PressOutcome.OPENED,
    )
    assert lock.switch_at_keypad(2, AT, is_enabled=True).refusal is Refusal.SLOT


def test_change_by_hand_may_go_untold() -> None:
    lock = struck(Fault.HIDE_CHANGE)
    assert lock.program_at_keypad(2, "4712", AT).is_ok
    assert lock.delete_at_keypad(1, AT).is_ok
    assert told(lock) == []


def test_use_may_go_untold_or_name_the_wrong_slot() -> None:
    hidden, wrong = struck(Fault.HIDE_USE), struck(Fault.WRONG_SLOT)
    for lock in (hidden, wrong):
        assert lock.press("4711", AT).user_id == 1
    assert (told(hidden), told(wrong)) == ([], [(NoticeKind.KEYPAD_UNLOCKED, 0)])


def test_bolt_sticks_when_the_fault_strikes() -> None:
    lock = struck(Fault.STICK_BOLT)
    lock.unlock(AT, How.RADIO)
    assert lock.bolt is Bolt.JAMMED
    assert told(lock) == [(NoticeKind.JAMMED, None)]


def test_cover_and_power_are_told_by_locks_that_tell_them() -> None:
    lock = struck(notifies_power=True)
    lock.move_cover(AT, is_open=True)
    lock.move_cover(AT, is_open=False)
    lock.lose_power(AT)
    assert [kind for kind, _slot in told(lock)] == [
        NoticeKind.COVER_OPENED,
        NoticeKind.COVER_CLOSED,
        NoticeKind.POWER_APPLIED,
    ]


# Battery.


def test_battery_empties_by_what_the_lock_is_made_to_do() -> None:
    lock = struck(battery_mah=1, idle_ua=0, bolt_mas=36, press_mas=18, message_mas=3.6, beam_mas=7.2)
    charges = [lock.battery_percent]
    lock.lock(AT, How.MANUAL)  # 36 mAs of 3600
    charges.append(lock.battery_percent)
    lock.press("9999", AT)
    lock.press("9999", AT)
    charges.append(lock.battery_percent)
    lock.talk(5, 2, AT)
    charges.append(lock.battery_percent)
    assert charges == [100, 99, 98, 97]


def test_idle_battery_empties_with_time() -> None:
    lock = struck(battery_mah=1, idle_ua=100)
    lock.advance(AT + 5 * 3600)
    assert lock.battery_percent == 50


def test_low_charge_is_told_once_however_it_came() -> None:
    lock = struck(battery_mah=1, idle_ua=100)
    lock.advance(AT + 8 * 3600)
    lock.advance(AT + 9 * 3600)
    assert told(lock) == [(NoticeKind.LOW_BATTERY, None)]
    assert lock.battery.radio_loss == 0.0
    lock.advance(AT + 9.5 * 3600)
    assert lock.battery.radio_loss == pytest.approx(0.5)


def test_empty_battery_opens_nothing() -> None:
    lock = struck()
    lock.set_battery(0, AT)
    assert lock.press("4711", AT).outcome is PressOutcome.NO_POWER
    assert lock.bolt is Bolt.LOCKED


# The shipped kinds.


def test_shipped_kinds_differ_as_their_makers_do() -> None:
    models = {key: shipped_model(key) for key in shipped_profiles()}
    schlage, kwikset, yale, hc620 = (
        models[key] for key in ("schlage_be469", "kwikset_914", "yale_zw3", "kwikset_hc620")
    )
    assert not schlage.is_supervised
    assert "security_2" not in schlage.command_classes
    assert (schlage.one_length, schlage.is_masked, schlage.duplicates) == (4, True, Duplicates.SILENT)
    assert (kwikset.key_groups, kwikset.command_classes["notification"]) == ("12 34 56 78 90", 1)
    assert (yale.protected_slot, yale.has_bulk, yale.year_day_slots, yale.daily_slots) == (251, False, 1, 7)
    assert (hc620.slots, hc620.command_classes["user_code"], hc620.has_schedules) == (250, 2, False)


def test_every_shipped_kind_takes_opens_and_clears_a_code() -> None:
    for key in shipped_profiles():
        model = shipped_model(key)
        lock = Firmware(model, at=AT)
        pin = "47114711"[: model.one_length or 6]
        assert lock.write(3, pin, AT).is_ok
        assert lock.press(pin, AT).user_id == 3
        lock.lock(AT, How.MANUAL)
        assert lock.clear(3, AT + 10).is_ok
        assert lock.press(pin, AT + 10).outcome is PressOutcome.REFUSED
