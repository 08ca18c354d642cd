"""What a home keeps while the simulator is stopped: every lock's memory and place in the network, and the nodes the stick knows.

One JSON file with PINs and network keys in clear (mode 0600).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.radio.security.envelopes import Membership
from drivers.simulator.radio.security.s2 import SecurityClass

FORMAT = 2
"""Version of the file's layout."""


class StateError(ValueError):
    """A state file that cannot be used; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class KeptLock:
    """One lock: the firmware's own image, and its place in the network, if any."""

    image: Mapping[str, object] = field(repr=False)
    membership: Membership | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole home: the locks by name, the stick's node ids, and the id it gave last."""

    locks: Mapping[str, KeptLock]
    nodes: tuple[int, ...]
    last_node_id: int


def load_state(path: Path) -> Kept | None:
    """Read the file; None when there is none. Raises `StateError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise _unusable(path) from None
    try:
        if content["format"] != FORMAT:
            raise _unusable(path)
        locks = {
            str(name): KeptLock(dict(lock["image"]), _membership(lock["membership"]))
            for name, lock in content["locks"].items()
        }
        return Kept(locks, tuple(int(node_id) for node_id in content["nodes"]), int(content["last_node_id"]))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _unusable(path) from None


def save_state(path: Path, kept: Kept) -> None:
    """Replace the file as one act that survives a power cut; raises `OSError`."""
    locks = {name: {"image": lock.image, "membership": _plain(lock.membership)} for name, lock in kept.locks.items()}
    content = {"format": FORMAT, "locks": locks, "nodes": kept.nodes, "last_node_id": kept.last_node_id}
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(content, indent=1))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _plain(membership: Membership | None) -> dict[str, object] | None:
    if membership is None:
        return None
    keys = {name.value: key.hex() for name, key in membership.keys.items()}
    return {"home_id": membership.home_id.hex(), "node_id": membership.node_id, "keys": keys}


def _membership(plain: Mapping[str, object] | None) -> Membership | None:
    """Read a place in the network; raises `KeyError`, `TypeError` or `ValueError` for what is none."""
    if plain is None:
        return None
    keys, node_id = plain["keys"], plain["node_id"]
    if not isinstance(keys, Mapping) or not isinstance(node_id, int):
        raise TypeError
    read = {SecurityClass(name): bytes.fromhex(key) for name, key in keys.items()}
    return Membership(bytes.fromhex(str(plain["home_id"])), node_id, read)


def _unusable(path: Path) -> StateError:
    return StateError(f"{path}: is not a state file of this simulator; remove it or choose another")
