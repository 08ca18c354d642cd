"""The network keys of a home: a TOML file that the Z-Wave server reads too, made with fresh keys when it is missing."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drivers.simulator.lock.profiles import Problem
from drivers.simulator.radio.security.s2 import SecurityClass

KEY_BYTES = 16

NAMES = (
    "s0_legacy",
    "s2_unauthenticated",
    "s2_authenticated",
    "s2_access_control",
    "lr_s2_authenticated",
    "lr_s2_access_control",
)
"""The six keys of a network, as the file calls them."""


_OF_SERVER = {
    "securityKeys": {
        "S0_Legacy": "s0_legacy",
        "S2_Unauthenticated": "s2_unauthenticated",
        "S2_Authenticated": "s2_authenticated",
        "S2_AccessControl": "s2_access_control",
    },
    "securityKeysLongRange": {
        "S2_Authenticated": "lr_s2_authenticated",
        "S2_AccessControl": "lr_s2_access_control",
    },
}
"""The same keys as Z-Wave JS calls them."""


class KeysError(ValueError):
    """A keys file that cannot be used; the text says what to do and never shows a key."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all problems, so that they can be reported at once."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys, by the names of the file."""

    by_name: Mapping[str, bytes] = field(repr=False)

    def of(self, security: SecurityClass) -> bytes:
        """Return the key of one S2 class."""
        return self.by_name[security.value]


def fresh_keys(entropy: Callable[[int], bytes]) -> Keys:
    """Draw six keys."""
    return Keys({name: entropy(KEY_BYTES) for name in NAMES})


def server_config(keys: Keys) -> dict[str, object]:
    """The configuration that a Z-Wave JS server needs for this home: its keys, and the option without which it wipes all codes."""
    told: dict[str, object] = {
        group: {theirs: keys.by_name[ours].hex() for theirs, ours in names.items()}
        for group, names in _OF_SERVER.items()
    }
    return {**told, "interview": {"queryAllUserCodes": True}}


def load_or_create(path: Path, entropy: Callable[[int], bytes]) -> Keys:
    """Read the keys, or write a new file (mode 0600) when there is none; raises `KeysError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _create(path, entropy)
    except OSError as error:
        raise KeysError((Problem(str(path), error.strerror or "cannot be read", "check its permissions"),)) from None
    return read_keys(text, str(path))


def read_keys(text: str, place: str) -> Keys:
    """Read keys out of TOML text; raises `KeysError` with every missing, malformed or repeated key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise KeysError((Problem(place, "is not TOML", 'write name = "32 hex digits" per line'),)) from None
    problems: list[Problem] = []
    keys: dict[str, bytes] = {}
    for name in NAMES:
        value = table.get(name)
        try:
            key = bytes.fromhex(value) if isinstance(value, str) else b""
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            problems.append(Problem(f"{place}: {name}", "is missing or no key", "write 32 hexadecimal digits"))
        elif key in keys.values():
            problems.append(Problem(f"{place}: {name}", "repeats another key", "give every class its own key"))
        else:
            keys[name] = key
    if problems:
        raise KeysError(tuple(problems))
    return Keys(keys)


def _create(path: Path, entropy: Callable[[int], bytes]) -> Keys:
    keys = fresh_keys(entropy)
    text = "".join(f'{name} = "{key.hex()}"\n' for name, key in keys.by_name.items())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise KeysError((Problem(str(path), reason, "choose a folder that exists"),)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return keys
