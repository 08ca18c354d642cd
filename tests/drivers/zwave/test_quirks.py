"""Profiles of products: the table, the node's facts, and the owner's word."""

from dataclasses import replace

import pytest

from drivers.zwave import quirks
from drivers.zwave.quirks import NodeFacts, Product, Quirks
from gateway.model.lock import ReadBack
from gateway.model.pin import Pin

UNKNOWN = NodeFacts(
    product=Product(0x0025, 1, 0x11),
    label="Plain",
    is_s2=True,
    has_supervision=True,
    user_count=30,
    shows_asterisks=False,
)
BE469ZP = replace(UNKNOWN, product=Product(0x003B, 0x0001, 0x0469), label="Schlage BE469ZP")


def lengths_of(facts: NodeFacts, overrides: Quirks | None = None) -> set[int]:
    rules = quirks.profile_of(facts, overrides or Quirks()).pin_rules
    return {length for length in range(4, 11) if rules.broken(Pin("7" * length)) is None}


def test_unknown_s2_lock_with_supervision_is_believed_and_may_take_any_length() -> None:
    profile = quirks.profile_of(UNKNOWN, Quirks())
    assert profile.supervision_is_honest
    assert profile.read_back is ReadBack.CLEAR
    assert profile.slots == range(1, 31)
    assert profile.schedule is None
    assert lengths_of(UNKNOWN) == {4, 5, 6, 7, 8, 9, 10}


@pytest.mark.parametrize(
    "facts",
    [
        replace(UNKNOWN, is_s2=False),
        replace(UNKNOWN, has_supervision=False),
        replace(UNKNOWN, is_s2=False, has_supervision=False),
    ],
)
def test_unknown_lock_without_s2_or_without_supervision_is_not_believed(facts: NodeFacts) -> None:
    assert not quirks.profile_of(facts, Quirks()).supervision_is_honest


def test_lock_whose_cache_shows_asterisks_is_masked_without_a_row() -> None:
    assert quirks.profile_of(replace(UNKNOWN, shows_asterisks=True), Quirks()).read_back is ReadBack.MASKED


def test_schlage_is_masked_and_not_believed_although_it_has_supervision() -> None:
    profile = quirks.profile_of(BE469ZP, Quirks())
    assert profile.read_back is ReadBack.MASKED
    assert not profile.supervision_is_honest
    assert "Schlage BE469ZP" in profile.model


def test_one_length_for_all_codes_is_read_from_the_locks_parameter() -> None:
    assert lengths_of(BE469ZP) == {4, 5, 6, 7, 8}
    assert lengths_of(replace(BE469ZP, parameters={16: 6})) == {6}
    assert lengths_of(replace(BE469ZP, parameters={16: 99})) == {4, 5, 6, 7, 8}


def test_owner_overrides_the_row() -> None:
    overrides = Quirks(lengths=frozenset({5}), last_slot=10, read_back=ReadBack.CLEAR, supervision_is_honest=True)
    profile = quirks.profile_of(replace(BE469ZP, parameters={16: 6}), overrides)
    assert lengths_of(replace(BE469ZP, parameters={16: 6}), overrides) == {5}
    assert profile.slots == range(1, 11)
    assert profile.read_back is ReadBack.CLEAR
    assert profile.supervision_is_honest


def test_owner_cannot_make_a_lock_honest_that_has_no_supervision() -> None:
    facts = replace(UNKNOWN, has_supervision=False)
    assert not quirks.profile_of(facts, Quirks(supervision_is_honest=True)).supervision_is_honest


def test_slots_never_exceed_what_the_lock_says_it_has() -> None:
    assert quirks.profile_of(replace(BE469ZP, user_count=19), Quirks()).slots == range(1, 20)


def test_lock_that_did_not_tell_its_count_has_the_slots_that_its_row_or_owner_knows() -> None:
    assert quirks.profile_of(replace(BE469ZP, user_count=0), Quirks()).slots == range(1, 31)
    assert quirks.profile_of(replace(UNKNOWN, user_count=0), Quirks(last_slot=20)).slots == range(1, 21)
    assert not quirks.profile_of(replace(UNKNOWN, user_count=0), Quirks()).slots


def test_overrides_tell_all_their_mistakes_at_once() -> None:
    read, mistakes = quirks.read_overrides(
        {"lengths": [3, 4], "last_slot": 0, "read_back": "never", "supervision_is_honest": "yes"}
    )
    assert read == Quirks()
    assert [line.split()[0] for line in mistakes] == ["lengths", "last_slot", "read_back", "supervision_is_honest"]


@pytest.mark.parametrize("lengths", [[], [True], ["4"], 4, "4"])
def test_lengths_must_be_a_list_of_numbers(lengths: object) -> None:
    assert quirks.read_overrides({"lengths": lengths})[1]


def test_every_row_has_a_source_and_no_product_has_two() -> None:
    rows = quirks.rows()
    assert Product(0x0452, 0x0004, 0x0001) in rows
    assert all(row != Quirks() for row in rows.values())


def test_product_that_the_interview_did_not_learn_has_a_name_all_the_same() -> None:
    facts = replace(UNKNOWN, product=Product(None, None, None))
    assert quirks.profile_of(facts, Quirks()).model == "Plain (?:?:?)"
