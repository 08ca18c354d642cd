"""What the zwave-js package's own mock network can play: the same endings there, though none of it is ours below the driver."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.kit.play import play
from tests.contract import mock
from tests.contract.plays import endings, played

pytestmark = pytest.mark.stack

PLAYED = {name: scene for name, (scene, _) in played().items() if mock.can_play(scene)}


@pytest.fixture(scope="module")
def network() -> Iterator[mock.Network]:
    with tempfile.TemporaryDirectory(prefix="cm") as folder, mock.running(Path(folder)) as running:
        yield running


@pytest.mark.parametrize("name", PLAYED)
async def test_scene_ends_as_on_the_serial_door(network: mock.Network, name: str) -> None:
    bench = mock.MockBench(network)
    await bench.prepare()
    try:
        assert await play(PLAYED[name], bench) == endings()[name]
    finally:
        bench.close()
