"""The committed table and endings belong to the scenes that there are."""

import pytest

from tests.contract.plays import endings, played
from tests.contract.table import README, WIRES, fresh


def test_the_table_is_fresh() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == fresh(text), "make it anew: python -m tests.contract.table"


def test_every_scene_that_is_played_has_an_ending_and_no_other_has() -> None:
    assert endings().keys() == played().keys(), "play them on the serial door: python -m tests.contract"


@pytest.mark.parametrize(("wire", "least"), [("in process", 40), ("messages", 40), ("serial", 40), ("mock", 20)])
def test_enough_scenes_are_played_on_every_wire(wire: str, least: int) -> None:
    lacking = WIRES[wire]
    assert sum(not scene.needs & lacking(kind).keys() for scene, kind in played().values()) >= least
