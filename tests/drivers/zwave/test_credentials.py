"""User Code payloads as sightings, arguments and answers."""

import pytest

from drivers.zwave import credentials
from drivers.zwave.credentials import CachedValue, UserIdStatus
from gateway.model.answers import (
    Ambiguous,
    Disabled,
    Empty,
    Held,
    RefusalReason,
    Refused,
    Sighting,
    SightingSource,
    SlotValue,
    Unknown,
    WriteAnswer,
    Written,
)
from gateway.model.evidence import Evidence
from gateway.model.ids import Slot
from gateway.model.pin import Pin


@pytest.mark.parametrize(
    ("status", "code", "shows"),
    [
        (0, "", Empty()),
        (0, "4711", Empty()),  # the cache keeps the old digits after a clear: the status decides
        (0, "0000", Empty()),
        (1, "4711", Held(Pin("4711"))),
        (1, "0123456789", Held(Pin("0123456789"))),
        (4, "4711", Held(Pin("4711"))),
        (6, "4711", Held(Pin("4711"))),
        (7, "4711", Held(Pin("4711"))),
        (1, "****", Held(None)),
        (1, "", Held(None)),
        (1, "12a4", Held(None)),
        (1, "123", Held(None)),
        (1, "12345678901", Held(None)),
        (1, "١٢٣٤", Held(None)),
        (1, {"type": "Buffer", "data": [1, 2, 3, 4]}, Held(None)),
        (1, None, Held(None)),
        (2, "4711", Disabled()),
        (2, None, Disabled()),
        (3, "4711", Disabled()),
        (0xFE, None, Unknown()),
        (99, "4711", Unknown()),
        (None, "4711", Unknown()),
        ("1", "4711", Unknown()),
    ],
)
def test_status_decides_before_the_code_text(status: object, code: object, shows: SlotValue) -> None:
    assert credentials.slot_value(status, code) == shows


@pytest.mark.parametrize("answer", [None, {}, {"userCode": "4711"}, [], "x", 7])
def test_missing_or_half_an_answer_is_unknown_and_never_empty(answer: object) -> None:
    assert credentials.from_report(answer) == Sighting(Unknown(), SightingSource.LOCK)


def test_report_without_a_code_still_tells_an_empty_slot() -> None:
    assert credentials.from_report({"userIdStatus": 0}) == Sighting(Empty(), SightingSource.LOCK)


@pytest.mark.parametrize(
    ("result", "was_duplicate", "answer"),
    [
        ({"status": 255}, False, Written(Evidence.SUPERVISED)),
        ({"status": 255}, True, Written(Evidence.ACKNOWLEDGED)),
        ({"status": 1, "remainingDuration": {"value": 2, "unit": "seconds"}}, False, Written(Evidence.ACKNOWLEDGED)),
        ({"status": 2}, False, Refused(RefusalReason.UNSPECIFIED)),
        ({"status": 2}, True, Refused(RefusalReason.DUPLICATE)),
        ({"status": 0}, False, Refused(RefusalReason.UNSPECIFIED)),
        (None, False, Written(Evidence.ACKNOWLEDGED)),
        (None, True, Refused(RefusalReason.DUPLICATE)),
    ],
)
def test_supervision_result_is_claimed_for_no_more_than_it_proves(
    result: object, was_duplicate: bool, answer: WriteAnswer
) -> None:
    assert credentials.answer_of(result, was_duplicate=was_duplicate) == answer


@pytest.mark.parametrize("result", [{}, {"status": "ok"}, {"status": 7}, True, "done"])
def test_result_that_we_do_not_know_leaves_the_write_in_doubt(result: object) -> None:
    assert isinstance(credentials.answer_of(result, was_duplicate=False), Ambiguous)


def test_set_states_that_the_code_is_enabled() -> None:
    assert credentials.set_arguments(Slot(7), Pin("4711"), UserIdStatus.ENABLED) == (7, 1, "4711")


@pytest.mark.parametrize("slot", [0, -1])
def test_slot_that_would_mean_all_slots_is_never_sent(slot: int) -> None:
    with pytest.raises(ValueError, match="all of them"):
        credentials.clear_arguments(Slot(slot))
    with pytest.raises(ValueError, match="all of them"):
        credentials.set_arguments(Slot(slot), Pin("4711"), UserIdStatus.ENABLED)


def cached(status: int | None, code: str | None, slot: object) -> list[CachedValue]:
    return [CachedValue("userIdStatus", slot, status), CachedValue("userCode", slot, code)]


def test_listing_of_the_cache_is_a_middlemans_word() -> None:
    seen = credentials.listing([*cached(1, "4711", 1), *cached(0, "", 2)], range(1, 3), None)
    assert seen.is_complete
    assert seen.slots == {
        1: Sighting(Held(Pin("4711")), SightingSource.MIDDLEMAN),
        2: Sighting(Empty(), SightingSource.MIDDLEMAN),
    }


def test_slot_whose_status_was_never_read_is_absent_and_the_listing_incomplete() -> None:
    seen = credentials.listing([*cached(1, "4711", 1), *cached(None, None, 2)], range(1, 4), None)
    assert set(seen.slots) == {1}
    assert not seen.is_complete


def test_code_without_a_status_does_not_count_as_seen() -> None:
    seen = credentials.listing([CachedValue("userCode", 1, "4711")], range(1, 2), None)
    assert seen.slots == {}


def test_values_of_no_slot_and_slots_beyond_ours_are_ignored() -> None:
    cache = [CachedValue("keypadMode", None, 0), *cached(1, "4711", 251), *cached(0, "", 1)]
    seen = credentials.listing(cache, range(1, 2), None)
    assert set(seen.slots) == {1}
    assert seen.is_complete


# Vectors: CRC16_CCITT of @zwave-js/core 15.29 over the bytes that its mock lock puts together.
@pytest.mark.parametrize(
    ("statuses", "codes", "checksum"),
    [
        ({}, {}, 0),
        ({1: 0, 2: 0}, {1: "4711"}, 0),
        ({1: 1}, {1: "902461"}, 0x1198),
        ({3: 2, 1: 1, 2: 0}, {1: "1234", 2: "", 3: "56789"}, 0x945E),
        ({1: 1}, {}, None),
        ({1: "on"}, {1: "1234"}, None),
    ],
)
def test_checksum_is_the_one_that_version_2_locks_compute(
    statuses: dict[int, object], codes: dict[int, object], checksum: int | None
) -> None:
    assert credentials.checksum_of(statuses, codes) == checksum


def test_codes_with_the_locks_own_checksum_prove_the_unread_slots_empty() -> None:
    seen = credentials.listing(cached(1, "902461", 1), range(1, 4), 0x1198)
    assert seen.is_complete
    assert seen.slots[Slot(3)] == Sighting(Empty(), SightingSource.MIDDLEMAN)
    assert seen.slots[Slot(1)].value == Held(Pin("902461"))


@pytest.mark.parametrize("checksum", [0, 0x1199, None])
def test_codes_with_another_checksum_prove_nothing_about_unread_slots(checksum: int | None) -> None:
    seen = credentials.listing(cached(1, "902461", 1), range(1, 4), checksum)
    assert set(seen.slots) == {1}
    assert not seen.is_complete


@pytest.mark.parametrize(
    ("code", "hides"), [("****", True), ("", False), ("4711", False), ("**1*", False), (None, False)]
)
def test_asterisks_are_a_masked_code(code: object, hides: bool) -> None:
    assert credentials.is_masked(code) is hides
