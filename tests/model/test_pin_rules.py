"""Each predicate refuses what it names and nothing else; relations see what digits hide (A10, A11, D5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.pin import STRONG, Pin, PinRule, PinRules, draw_pin
from gateway.model.pin_rules import (
    PLAIN,
    PinRelations,
    at_least_distinct,
    leading_distinct,
    not_starting_with,
    only_digits,
    runs_at_most,
)
from tests.builders import SeededEntropy

FIVE_KEYS = PinRelations(("12", "34", "56", "78", "90"))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (only_digits("1234567"), ("1234", "7777"), ("1238", "0000")),
        (not_starting_with("0", "12"), ("1302", "9012"), ("0123", "1234")),
        (at_least_distinct(3), ("1123", "1213", "9870"), ("1111", "1122", "1221")),
        (leading_distinct(4), ("1234", "123411"), ("1123", "1231", "123312")),
        (runs_at_most(3), ("1112", "1235", "9875", "012012"), ("1111", "1234", "98765", "51234")),
    ],
)
def test_d5_a_predicate_refuses_what_it_names(rule: PinRule, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [digits for digits in good if not rule.holds(digits)] == []
    assert [digits for digits in bad if rule.holds(digits)] == []


@pytest.mark.parametrize("weak", ["1111", "1234", "9876", "1212", "123123", "1221", "454545"])
def test_a11_a_weak_pin_is_never_drawn(weak: str) -> None:
    assert any(not rule.holds(weak) for rule in STRONG)


@given(seed=st.integers(0, 2**32))
def test_a11_a_drawn_pin_meets_every_rule_of_a_picky_lock(seed: int) -> None:
    rules = PinRules(
        frozenset({6}), (only_digits("1234567"), not_starting_with("12"), runs_at_most(2), leading_distinct(4))
    )
    pin = draw_pin(rules, SeededEntropy(seed).token)
    assert rules.broken(pin) is None
    assert all(rule.holds(pin.reveal()) for rule in STRONG)


@pytest.mark.parametrize(
    ("relations", "one", "two", "broken"),
    [
        (PLAIN, "2580", "2580", "key_presses"),
        (PLAIN, "2580", "2581", None),
        (FIVE_KEYS, "1357", "2468", "key_presses"),
        (FIVE_KEYS, "1357", "1359", None),
        (PinRelations(neighbours=1), "2580", "2581", "neighbours"),
        (PinRelations(neighbours=1), "2580", "2582", None),
        (PinRelations(neighbours=1), "2580", "02581", None),
        (PinRelations(distinct_prefix=4), "258011", "258022", "distinct_prefix"),
        (PinRelations(distinct_prefix=4), "258011", "258111", None),
    ],
)
def test_a10_what_a_lock_cannot_tell_apart_clashes(
    relations: PinRelations, one: str, two: str, broken: str | None
) -> None:
    found = relations.clash(Pin(one), Pin(two))
    assert (None if found is None else found.name) == broken


@given(st.text("0123456789", min_size=4, max_size=8), st.text("0123456789", min_size=4, max_size=8))
def test_a10_a_clash_is_mutual(one: str, two: str) -> None:
    for relations in (FIVE_KEYS, PinRelations(neighbours=2), PinRelations(distinct_prefix=4)):
        assert (relations.clash(Pin(one), Pin(two)) is None) == (relations.clash(Pin(two), Pin(one)) is None)


PINS = st.text("12345", min_size=4, max_size=5).map(Pin)
RELATIONS = st.builds(
    PinRelations, st.sampled_from([(), ("12", "34", "56", "78", "90")]), st.integers(0, 2), st.sampled_from([0, 4])
)


@given(st.lists(PINS, max_size=12, unique_by=lambda pin: pin.reveal()), RELATIONS)
def test_a10_pins_are_alike_exactly_when_they_clash(pins: list[Pin], relations: PinRelations) -> None:
    known = {pin.digest(b"k" * 32): pin for pin in pins}
    clashing = {
        digest: others
        for digest, pin in known.items()
        if (
            others := frozenset(each for each, other in known.items() if each != digest and relations.clash(pin, other))
        )
    }
    assert relations.alike(known) == clashing


@pytest.mark.parametrize("relations", [PLAIN, FIVE_KEYS, PinRelations(neighbours=3)])
@pytest.mark.parametrize("digits", ["0000", "0012", "2580", "9999"])
def test_a10_all_pins_that_are_alike_are_named(relations: PinRelations, digits: str) -> None:
    pin = Pin(digits)
    named = [other.reveal() for other in relations.all_like(pin)]
    assert named[0] == digits
    everything = [f"{number:04}" for number in range(10_000)]
    assert sorted(named) == [other for other in everything if relations.clash(pin, Pin(other)) is not None]
