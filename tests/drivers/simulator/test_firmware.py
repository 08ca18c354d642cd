"""What a lock does, rule by rule."""

from dataclasses import replace

import pytest

from drivers.simulator.lock.faults import Fault
from drivers.simulator.lock.firmware import (
    Bolt,
    Firmware,
    How,
    NoticeKind,
    PressOutcome,
    Refusal,
    Status,
)
from drivers.simulator.lock.firmware import Slot as ReadSlot
from drivers.simulator.lock.profiles import Duplicates, LockModel, shipped_model

PLAIN = shipped_model("plain_v1")
AT = 1000.0


def told(lock: Firmware) -> list[tuple[NoticeKind, int | None]]:
    """Drain the notices, leaving their instants out."""
    return [(notice.kind, notice.user_id) for notice in lock.drain_notices()]


def stored(lock: Firmware) -> dict[int, str | None]:
    """Return the PINs really stored, by slot."""
    return {user_id: slot.pin for user_id, slot in lock.occupied(AT).items()}


def test_written_pin_opens_and_names_its_slot() -> None:
    lock = Firmware(PLAIN)
    assert lock.write(7, "4711", AT).is_ok
    press = lock.press("4711", AT)
    assert (press.outcome, press.user_id) == (PressOutcome.OPENED, 7)
    assert lock.bolt is Bolt.UNLOCKED
    assert told(lock) == [(NoticeKind.KEYPAD_UNLOCKED, 7)]


def test_cleared_pin_no_longer_opens() -> None:
    lock = Firmware(PLAIN, memory={7: "4711"})
    assert lock.clear(7, AT).is_ok
    assert lock.press("4711", AT).outcome is PressOutcome.REFUSED
    assert lock.bolt is Bolt.LOCKED


def test_clearing_an_empty_slot_is_fine() -> None:
    assert Firmware(PLAIN).clear(7, AT).is_ok


def test_disabled_pin_does_not_open() -> None:
    lock = Firmware(PLAIN)
    lock.write(7, "4711", AT, is_enabled=False)
    assert lock.press("4711", AT).outcome is PressOutcome.REFUSED
    assert lock.read(7, AT) == ReadSlot(Status.DISABLED, "4711", "4711")


@pytest.mark.parametrize(
    ("user_id", "pin", "refusal"),
    [
        (0, "4711", Refusal.SLOT),
        (31, "4711", Refusal.SLOT),
        (1, "471", Refusal.LENGTH),
        (1, "123456789", Refusal.LENGTH),
        (1, "47a1", Refusal.ALPHABET),
        (1, "", Refusal.ALPHABET),
        (1, "٤٧١١", Refusal.ALPHABET),
    ],
)
def test_write_against_a_rule_is_refused_and_changes_nothing(user_id: int, pin: str, refusal: Refusal) -> None:
    lock = Firmware(PLAIN, memory={1: "8888"})
    before = lock.revision
    result = lock.write(user_id, pin, AT)
    assert (result.refusal, result.claims_success) == (refusal, False)
    assert stored(lock) == {1: "8888"}
    assert lock.revision == before


def test_one_length_rule_refuses_other_lengths() -> None:
    lock = Firmware(replace(PLAIN, one_length=6))
    assert lock.write(1, "4711", AT).refusal is Refusal.LENGTH
    assert lock.write(1, "471147", AT).is_ok


def test_duplicate_is_refused_and_told() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    result = lock.write(2, "4711", AT)
    assert (result.refusal, result.claims_success) == (Refusal.DUPLICATE, False)
    assert stored(lock) == {1: "4711"}
    assert told(lock) == [(NoticeKind.DUPLICATE_REFUSED, 2)]


def test_silent_lock_drops_a_duplicate_and_claims_success() -> None:
    lock = Firmware(shipped_model("no_supervision"), memory={1: "4711"})
    result = lock.write(2, "4711", AT)
    assert (result.refusal, result.claims_success) == (Refusal.DUPLICATE, True)
    assert stored(lock) == {1: "4711"}
    assert told(lock) == []


def test_lock_that_allows_duplicates_opens_with_the_lower_slot() -> None:
    lock = Firmware(replace(PLAIN, duplicates=Duplicates.ALLOW), memory={5: "4711"})
    assert lock.write(2, "4711", AT).is_ok
    assert lock.press("4711", AT).user_id == 2


def test_same_pin_in_the_same_slot_is_no_duplicate() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    assert lock.write(1, "4711", AT).is_ok


def test_masked_lock_shows_asterisks_of_the_same_length() -> None:
    lock = Firmware(shipped_model("masked"), memory={1: "471147"})
    slot = lock.read(1, AT)
    assert slot is not None
    assert (slot.shown, slot.pin) == ("******", "471147")


def test_slot_beyond_the_last_cannot_be_read() -> None:
    assert Firmware(PLAIN).read(31, AT) is None


def test_wrong_presses_switch_the_keypad_off_for_a_while() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    for _press in range(5):
        assert lock.press("9999", AT).outcome is PressOutcome.REFUSED
    assert told(lock) == [(NoticeKind.KEYPAD_DISABLED, None)]
    assert lock.press("4711", AT + 59.9).outcome is PressOutcome.LOCKED_OUT
    assert lock.press("4711", AT + 60).outcome is PressOutcome.OPENED


def test_right_press_starts_the_count_anew() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    for digits in ["9999"] * 4 + ["4711"] + ["9999"] * 4:
        lock.press(digits, AT)
    assert lock.press("4711", AT).outcome is PressOutcome.OPENED


def test_bolt_stays_open_unless_the_model_relocks() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    lock.press("4711", AT)
    lock.advance(AT + 3600)
    assert lock.bolt is Bolt.UNLOCKED
    assert lock.due_at() is None


def test_relocking_model_locks_after_its_time_and_tells() -> None:
    lock = Firmware(replace(PLAIN, auto_relock_s=30), memory={1: "4711"})
    lock.press("4711", AT)
    assert lock.due_at() == AT + 30
    seen = []
    for passed_s in (29.9, 30):
        lock.advance(AT + passed_s)
        seen.append(lock.bolt)
    assert seen == [Bolt.UNLOCKED, Bolt.LOCKED]
    assert told(lock) == [(NoticeKind.KEYPAD_UNLOCKED, 1), (NoticeKind.AUTO_LOCKED, None)]


def test_hands_at_the_keypad_obey_the_same_rules_and_are_told() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    assert lock.program_at_keypad(2, "4711", AT).refusal is Refusal.DUPLICATE
    assert lock.program_at_keypad(2, "4712", AT).is_ok
    assert lock.delete_at_keypad(2, AT).is_ok
    assert told(lock) == [
        (NoticeKind.DUPLICATE_REFUSED, 2),
        (NoticeKind.CODE_ADDED, 2),
        (NoticeKind.CODE_DELETED, 2),
    ]


def test_radio_writes_are_told_only_by_models_that_do() -> None:
    quiet, chatty = Firmware(PLAIN), Firmware(replace(PLAIN, notifies_radio_writes=True))
    for lock in (quiet, chatty):
        lock.write(1, "4711", AT)
        lock.clear(1, AT)
        lock.clear_all(AT)
    assert told(quiet) == []
    assert [kind for kind, _user in told(chatty)] == [
        NoticeKind.CODE_ADDED,
        NoticeKind.CODE_DELETED,
        NoticeKind.ALL_CODES_DELETED,
    ]


def test_factory_reset_empties_the_lock_and_tells_but_a_wipe_is_silent() -> None:
    reset, wiped = Firmware(PLAIN, memory={1: "4711"}), Firmware(PLAIN, memory={1: "4711"})
    reset.factory_reset(AT)
    wiped.wipe(AT)
    assert stored(reset) == stored(wiped) == {}
    assert told(reset) == [(NoticeKind.ALL_CODES_DELETED, None)]
    assert told(wiped) == []


@pytest.mark.parametrize(
    ("how", "locked", "unlocked"),
    [
        (How.MANUAL, NoticeKind.MANUALLY_LOCKED, NoticeKind.MANUALLY_UNLOCKED),
        (How.RADIO, NoticeKind.RADIO_LOCKED, NoticeKind.RADIO_UNLOCKED),
        (How.KEYPAD, NoticeKind.KEYPAD_LOCKED, NoticeKind.KEYPAD_UNLOCKED),
    ],
)
def test_bolt_moves_are_told_with_who_moved_it(how: How, locked: NoticeKind, unlocked: NoticeKind) -> None:
    lock = Firmware(PLAIN)
    lock.unlock(AT, how)
    lock.lock(AT, how)
    assert [kind for kind, _user in told(lock)] == [unlocked, locked]


def test_jam_is_told_and_freed_by_locking() -> None:
    lock = Firmware(PLAIN)
    lock.jam(AT)
    seen = [lock.bolt]
    lock.lock(AT, How.MANUAL)
    seen.append(lock.bolt)
    assert seen == [Bolt.JAMMED, Bolt.LOCKED]
    assert told(lock)[0] == (NoticeKind.JAMMED, None)


def test_low_battery_is_told_once_per_crossing() -> None:
    lock = Firmware(PLAIN)
    for percent in (50, 20, 10, 90, 15):
        lock.set_battery(percent, AT)
    assert told(lock) == [(NoticeKind.LOW_BATTERY, None)] * 2
    lock.set_battery(900, AT)
    assert lock.battery_percent == 100


def with_fault(model: LockModel, fault: Fault) -> Firmware:
    """Make a lock on which one fault strikes every time."""
    return Firmware(model, memory={1: "8888"}, strikes=lambda asked: asked is fault)


def test_refused_write_is_told_and_a_silent_one_is_not() -> None:
    refusing, lying = with_fault(PLAIN, Fault.REFUSE_WRITE), with_fault(PLAIN, Fault.SILENT_REFUSE)
    for lock, claims_success in ((refusing, False), (lying, True)):
        for result in (lock.write(2, "4711", AT), lock.clear(1, AT), lock.clear_all(AT)):
            assert not result.is_ok
            assert result.claims_success is claims_success
        assert stored(lock) == {1: "8888"}


def test_late_commit_shows_the_old_value_first() -> None:
    lock = with_fault(PLAIN, Fault.COMMIT_LATE)
    assert lock.write(1, "4711", AT).is_ok
    before, after = lock.read(1, AT + 1.9), lock.read(1, AT + 2)
    assert before is not None
    assert after is not None
    assert (before.pin, after.pin) == ("8888", "4711")


def test_image_brings_a_lock_back_as_it_was() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    lock.write(2, "4712", AT, is_enabled=False)
    lock.unlock(AT, How.MANUAL)
    lock.set_battery(40, AT)
    again = Firmware(PLAIN)
    again.restore(lock.image())
    assert again.image() == lock.image()
    assert again.read(2, AT) == lock.read(2, AT)


@pytest.mark.parametrize(
    "image", [{}, {"slots": [], "bolt": "locked", "battery": 1}, {"slots": {"1": 5}, "bolt": "locked", "battery": 1}]
)
def test_damaged_image_is_refused(image: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="image"):
        Firmware(PLAIN).restore(image)


def test_no_repr_shows_a_pin() -> None:
    lock = Firmware(PLAIN, memory={1: "4711"})
    slot = lock.read(1, AT)
    assert "4711" not in repr((slot, lock.write(2, "4711", AT), lock.press("4711", AT), lock))
