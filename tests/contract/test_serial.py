"""Every scene on the serial door with the real Z-Wave JS, one server for all of them: the committed endings are its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.kit.play import play
from tests.contract import serial
from tests.contract.plays import endings, played
from tests.stack.zwave_stack import Stack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="ct") as folder, serial.running(Path(folder)) as running:
        yield running


@pytest.mark.parametrize("name", played())
async def test_scene_ends_as_committed(stack: Stack, name: str) -> None:
    scene, kind = played()[name]
    bench = serial.SerialBench(stack, kind)
    await bench.prepare()
    try:
        assert await play(scene, bench) == endings()[name]
    finally:
        bench.close()
