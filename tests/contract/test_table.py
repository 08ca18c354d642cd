"""The committed table and endings belong to the scenes that there are."""

from tests.contract.plays import endings, played
from tests.contract.table import README, WIRES, fresh


def test_the_table_is_fresh() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == fresh(text), "make it anew: python -m tests.contract.table"


def test_every_scene_that_is_played_has_an_ending_and_no_other_has() -> None:
    assert endings().keys() == played().keys(), "play them on the serial door: python -m tests.contract"


def test_forty_scenes_and_more_are_played_on_every_wire() -> None:
    for wire, lacking in WIRES.items():
        count = sum(not scene.needs & lacking(kind).keys() for scene, kind in played().values())
        assert count >= 40, wire
