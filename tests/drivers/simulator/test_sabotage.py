"""Each kind of lock is judged by one scene of its own, and the scene is seen to cry when the rule behind it is broken."""

from collections.abc import Callable

import pytest

from drivers.simulator.lock.clock import Minute
from drivers.simulator.lock.firmware import Firmware, PressOutcome, Refusal
from drivers.simulator.lock.profiles import shipped_model, shipped_profiles
from drivers.simulator.lock.schedule import YearDay
from tests.drivers.simulator.sabotage import SABOTAGES, Sabotage, applied

AT = 1000.0
PIN = "471147"


def lengths_are_kept(lock: Firmware) -> None:
    assert lock.write(1, "471", AT).refusal is Refusal.LENGTH


def duplicates_are_refused(lock: Firmware) -> None:
    lock.write(1, PIN, AT)
    assert lock.write(2, PIN, AT).refusal is Refusal.DUPLICATE


def programming_code_is_out_of_reach(lock: Firmware) -> None:
    assert lock.write(1, lock.model.programming_code[:4], AT).refusal is Refusal.PROGRAMMING_CODE


def codes_are_masked(lock: Firmware) -> None:
    lock.write(1, "4711", AT)
    slot = lock.read(1, AT)
    assert slot is not None
    assert set(slot.shown) == {"*"}


def shared_keys_are_one(lock: Firmware) -> None:
    lock.write(1, "1357", AT)
    assert lock.press("2468", AT).outcome is PressOutcome.OPENED


def guessing_is_stopped(lock: Firmware) -> None:
    for _press in range(lock.model.wrong_presses_max):
        lock.press("999999", AT)
    assert lock.press("999999", AT).outcome is PressOutcome.LOCKED_OUT


def windows_are_kept(lock: Firmware) -> None:
    lock.write(1, PIN, AT)
    lock.put_schedule(1, 1, YearDay(Minute(2027, 1, 1, 0, 0), Minute(2027, 1, 2, 0, 0)), AT)
    assert lock.press(PIN, AT).outcome is PressOutcome.REFUSED


def disabled_codes_do_not_open(lock: Firmware) -> None:
    lock.write(1, PIN, AT, is_enabled=False)
    assert lock.press(PIN, AT).outcome is PressOutcome.REFUSED


SCENES: dict[str, Callable[[Firmware], None]] = {
    "fits": lengths_are_kept,
    "rival": duplicates_are_refused,
    "is_reserved": programming_code_is_out_of_reach,
    "shown": codes_are_masked,
    "keys": shared_keys_are_one,
    "locks_out": guessing_is_stopped,
    "is_bound": windows_are_kept,
    "opens": disabled_codes_do_not_open,
}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: f"{sabotage.profile}: {sabotage.harm}")
def test_broken_rule_is_noticed(sabotage: Sabotage) -> None:
    scene, model = SCENES[sabotage.rule], shipped_model(sabotage.profile)
    scene(Firmware(model, at=AT))
    with applied(sabotage), pytest.raises(AssertionError):
        scene(Firmware(model, at=AT))
    scene(Firmware(model, at=AT))


def test_six_makes_and_two_plain_locks_are_sabotaged_once_each() -> None:
    assert len({sabotage.profile for sabotage in SABOTAGES}) == len(SABOTAGES) == 8
    assert {sabotage.profile for sabotage in SABOTAGES} <= set(shipped_profiles())
