"""What a home keeps while the simulator is stopped: every lock's memory, in one JSON file with PINs in clear (mode 0600)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FORMAT = 1
"""Version of the file's layout."""


class StateError(ValueError):
    """A state file that cannot be used; the text says which and what to do."""


def load_state(path: Path) -> dict[int, Mapping[str, object]]:
    """Read the image of every lock by node id; empty when there is no file. Raises `StateError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise StateError(f"{path}: is not a state file of this simulator; remove it or choose another") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("locks"), dict):
        raise StateError(f"{path}: is not a state file of this simulator; remove it or choose another")
    return {int(node_id): image for node_id, image in content["locks"].items()}


def save_state(path: Path, images: Mapping[int, Mapping[str, object]]) -> None:
    """Replace the file as one act that survives a power cut; raises `OSError`."""
    text = json.dumps({"format": FORMAT, "locks": {str(node_id): image for node_id, image in images.items()}}, indent=1)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
