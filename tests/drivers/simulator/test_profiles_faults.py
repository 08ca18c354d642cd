"""Profiles as data with sources, and bad luck as orders with counts."""

import pytest

from drivers.simulator.lock.faults import IMMEDIATE, MEANINGS, Fault, FaultRefused, Faults, place_of
from drivers.simulator.lock.profiles import ProfileError, model_from, read_profiles, shipped_model, shipped_profiles


def test_shipped_profiles_are_complete_and_differ_where_it_matters() -> None:
    models = {key: shipped_model(key) for key in shipped_profiles()}
    assert {"plain_v1", "plain_v2", "ubolt_pro", "masked", "no_supervision"} <= set(models)
    assert models["plain_v2"].command_classes["user_code"] == 2
    assert models["masked"].is_masked
    assert not models["no_supervision"].is_supervised
    assert (models["ubolt_pro"].manufacturer_id, models["ubolt_pro"].product_type) == (0x0452, 0x0004)


def test_fact_without_a_source_is_refused() -> None:
    with pytest.raises(ProfileError, match="has no source"):
        read_profiles("[odd]\nslots = { is = 3 }\n")


def test_all_wrong_facts_are_reported_at_once() -> None:
    facts = {**shipped_profiles()["plain_v1"], "slots": 0, "is_masked": "yes", "colour": "red", "pin_length_min": 9}
    with pytest.raises(ProfileError) as caught:
        model_from("odd", facts, "odd")
    places = {problem.place for problem in caught.value.problems}
    assert {"odd.slots", "odd.is_masked", "odd.colour", "odd.pin_length_min"} <= places


def test_class_with_version_zero_is_absent() -> None:
    facts = shipped_profiles()["plain_v1"]
    classes = facts["command_classes"]
    assert isinstance(classes, dict)
    model = model_from("odd", {**facts, "command_classes": {**classes, "supervision": 0}}, "odd")
    assert not model.is_supervised


def test_every_fault_has_a_meaning_and_a_place() -> None:
    assert set(MEANINGS) == set(Fault)
    assert all(place_of(fault) for fault in Fault)


def test_fault_strikes_as_often_as_ordered_and_only_its_node() -> None:
    faults = Faults(lambda: 0.0)
    faults.arm(Fault.LOSE_TO_NODE, node_id=2, times=2)
    assert not faults.strikes(Fault.LOSE_TO_NODE, 3)
    assert [faults.strikes(Fault.LOSE_TO_NODE, 2) for _chance in range(3)] == [True, True, False]
    assert faults.struck(Fault.LOSE_TO_NODE) == 2


def test_rate_follows_chance_until_disarmed() -> None:
    drawn = iter([0.1, 0.9, 0.1])
    faults = Faults(lambda: next(drawn))
    faults.arm(Fault.NAK_HOST, rate=0.5)
    assert [faults.strikes(Fault.NAK_HOST) for _chance in range(3)] == [True, False, True]
    assert faults.disarm(Fault.NAK_HOST) == 1
    assert not faults.strikes(Fault.NAK_HOST)


@pytest.mark.parametrize(
    ("fault", "order"),
    [
        (Fault.WIPE, {}),
        (Fault.NAK_HOST, {"node_id": 2}),
        (Fault.NAK_HOST, {"times": 0}),
        (Fault.LOSE_TO_NODE, {"rate": 1.5}),
        (Fault.LOSE_TO_NODE, {"rate": 0.5, "times": 1}),
    ],
)
def test_senseless_order_is_refused(fault: Fault, order: dict[str, int]) -> None:
    with pytest.raises(FaultRefused):
        Faults(lambda: 0.0).arm(fault, **order)


def test_acts_are_not_chances() -> None:
    assert Fault.WIPE in IMMEDIATE
    assert Fault.REFUSE_WRITE not in IMMEDIATE
