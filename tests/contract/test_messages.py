"""Every scene through our Z-Wave driver on the simulator's messages door, in virtual time: the endings of the serial door."""

import pytest

from drivers.kit.play import play
from drivers.kit.scene import Scene
from tests.contract import messages
from tests.contract.kinds import Kind
from tests.contract.plays import endings, played
from tests.sim.loop import play as in_virtual_time


async def ending_of(scene: Scene, kind: Kind, patch: pytest.MonkeyPatch) -> tuple[str, ...]:
    bench = messages.MessagesBench(kind, patch)
    try:
        return await play(scene, bench)
    finally:
        bench.close()


@pytest.mark.parametrize("name", played())
def test_scene_ends_as_on_the_serial_door(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, kind = played()[name]
    assert in_virtual_time(ending_of(scene, kind, monkeypatch)) == endings()[name]
