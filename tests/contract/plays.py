"""Which scene is played on which lock, and the endings that every wire must come to."""

import json
from collections.abc import Mapping
from pathlib import Path

from drivers.kit.scene import Scene, scenes
from tests.contract.kinds import KINDS, Kind, lacking_of

ENDINGS = Path(__file__).with_name("endings.json")
"""How each scene ended on the serial door with the real Z-Wave JS; `python -m tests.contract` writes it."""


def lock_for(scene: Scene) -> Kind | None:
    """The first kind of lock that has what the scene needs, or None when none has."""
    return next((kind for kind in KINDS if not scene.needs & lacking_of(kind.model()).keys()), None)


def played() -> dict[str, tuple[Scene, Kind]]:
    """Every scene that some lock can play, by its name."""
    return {scene.name: (scene, kind) for scene in scenes() if (kind := lock_for(scene)) is not None}


def endings() -> Mapping[str, tuple[str, ...]]:
    """The endings as committed."""
    read = json.loads(ENDINGS.read_text(encoding="utf-8"))
    return {name: tuple(lines) for name, lines in read.items()}
