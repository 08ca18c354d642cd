"""Every scene on the lock port in process, in virtual time: the same ending as on the serial door."""

import pytest

from drivers.kit.play import play
from drivers.kit.scene import Scene
from drivers.simulator.lock.profiles import shipped_profiles
from tests.contract import in_process
from tests.contract.kinds import KINDS, Kind, kind_named, lacking_of
from tests.contract.plays import endings, played
from tests.sim.loop import play as in_virtual_time

PLAYED = {
    name: (scene, kind) for name, (scene, kind) in played().items() if not scene.needs & in_process.lacking(kind).keys()
}


async def ending_of(scene: Scene, kind: Kind) -> tuple[str, ...]:
    return await play(scene, in_process.InProcessBench(kind))


@pytest.mark.parametrize("name", PLAYED)
def test_scene_ends_as_on_the_serial_door(name: str) -> None:
    scene, kind = PLAYED[name]
    assert in_virtual_time(ending_of(scene, kind)) == endings()[name]


@pytest.mark.parametrize("kind", [*KINDS, *map(kind_named, shipped_profiles())], ids=lambda kind: kind.name)
def test_every_scene_that_a_lock_can_play_is_kept_by_it(kind: Kind) -> None:
    lacking = in_process.lacking(kind)
    playable = [scene for scene, _ in played().values() if not scene.needs & lacking.keys()]
    assert len(playable) >= 40, lacking_of(kind.model())
    for scene in playable:
        in_virtual_time(ending_of(scene, kind))
