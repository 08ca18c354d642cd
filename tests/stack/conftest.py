"""What tests here share by writing down a scene: one simulator and one real server for all tests of a module."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.zwave_stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The home of the module's `SCENE`, on the air until its last test ended."""
    scene = request.module.SCENE
    assert isinstance(scene, str)
    with tempfile.TemporaryDirectory(prefix="zw") as folder, running_stack(Path(folder), scene) as running:
        yield running
