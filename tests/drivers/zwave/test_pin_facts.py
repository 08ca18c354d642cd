"""What the owner may say of a lock's PINs, and how mistakes in it are told (A11, D5)."""

import pytest

from drivers.zwave.pin_facts import read_pin_facts
from drivers.zwave.quirks import NodeFacts, Product, Quirks, profile_of, read_overrides
from gateway.model.pin import Pin
from gateway.model.pin_rules import PinRelations

FACTS = NodeFacts(Product(1, 2, 3), "lock", is_s2=True, has_supervision=True, user_count=30, shows_asterisks=False)


def test_d5_the_owners_word_becomes_rules_of_the_profile() -> None:
    options = {"alphabet": "1234567", "not_starting_with": ["12"], "distinct_digits": 3, "shared_keys": ["12", "34"]}
    overrides, mistakes = read_overrides(options)
    assert mistakes == []
    profile = profile_of(FACTS, overrides)
    names = {rule.name for rule in profile.pin_rules.further}
    assert names == {"alphabet", "first_digits", "distinct_digits"}
    broken = profile.pin_rules.broken(Pin("1243"))
    assert broken is not None
    assert broken.name == "first_digits"
    assert profile.pin_relations == PinRelations(("12", "34"))


def test_a_lock_of_which_nothing_is_said_has_no_further_rules() -> None:
    assert profile_of(FACTS, Quirks()).pin_rules.further == ()
    assert profile_of(FACTS, Quirks()).pin_relations.is_plain
    assert read_pin_facts({"node": 5}) == (None, [])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alphabet": "1123"}, "alphabet"),
        ({"alphabet": 12}, "alphabet"),
        ({"not_starting_with": "12"}, "not_starting_with"),
        ({"not_starting_with": ["x"]}, "not_starting_with"),
        ({"distinct_digits": 0}, "distinct_digits"),
        ({"runs_at_most": True}, "runs_at_most"),
        ({"shared_keys": ["12", "23"]}, "shared_keys"),
        ({"neighbours": 10}, "neighbours"),
    ],
)
def test_a_mistake_is_told_by_its_name(options: dict[str, object], told: str) -> None:
    facts, mistakes = read_pin_facts(options)
    assert facts is None
    assert len(mistakes) == 1
    assert mistakes[0].startswith(told)
