"""PIN rules and drawing (A11, D5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.pin import ANY_LOCK, NO_RUN, NOT_ALL_SAME, Pin, PinRule, PinRules, draw_pin
from tests.builders import SeededEntropy


@pytest.mark.parametrize("digits", ["123", "12345678901", "", "12 4", "١٢٣٤", "12a4"])
def test_what_is_no_pin_is_refused_without_repeating_it(digits: str) -> None:
    with pytest.raises(ValueError, match="PIN") as caught:
        Pin(digits)
    assert digits not in str(caught.value) or digits == ""


@pytest.mark.parametrize(("digits", "is_fine"), [("1111", False), ("000000", False), ("1112", True), ("1211", True)])
def test_not_all_same(digits: str, is_fine: bool) -> None:
    assert NOT_ALL_SAME.holds(digits) is is_fine


@pytest.mark.parametrize(
    ("digits", "is_fine"), [("1234", False), ("4321", False), ("7890", False), ("0123456789", False), ("1235", True)]
)
def test_no_run(digits: str, is_fine: bool) -> None:
    assert NO_RUN.holds(digits) is is_fine


def test_the_first_broken_rule_is_named() -> None:
    rules = PinRules(frozenset({4, 6}), (PinRule("no_zero", "not hold a 0", "[1-9]*"),))
    assert rules.broken(Pin("1235")) is None
    wrong_length, with_zero = rules.broken(Pin("12356")), rules.broken(Pin("1205"))
    assert wrong_length is not None
    assert wrong_length.name == "pin_length"
    assert with_zero is not None
    assert with_zero.name == "no_zero"


@given(seed=st.integers(0, 10_000), lengths=st.frozensets(st.integers(4, 10), min_size=1))
def test_a_drawn_pin_meets_the_rules_and_is_not_weak(seed: int, lengths: frozenset[int]) -> None:
    pin = draw_pin(PinRules(lengths), SeededEntropy(seed).token)
    assert len(pin) in lengths
    assert NOT_ALL_SAME.holds(pin.reveal())
    assert NO_RUN.holds(pin.reveal())


def test_a_drawn_pin_is_not_a_taken_one() -> None:
    first = draw_pin(ANY_LOCK, SeededEntropy(5).token)
    assert draw_pin(ANY_LOCK, SeededEntropy(5).token, [first]) != first


def test_rules_that_nothing_meets_end_with_an_error() -> None:
    impossible = PinRules(frozenset({4}), (PinRule("never", "be impossible", "x"),))
    with pytest.raises(ValueError, match="no free PIN"):
        draw_pin(impossible, SeededEntropy().token)
