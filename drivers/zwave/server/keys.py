"""The six network keys: made on the device at first start, or imported so that an existing network can be taken over.

The file is TOML with the six names of `KeyName`, each 32 hexadecimal digits. Whoever has it can open the locks, so it
is written with mode 0600 and no text made here ever shows a key. A lost file means every lock must be included again;
that is why new keys are never made over a storage directory that already knows a network.
"""

import logging
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from drivers.zwave.server.private_directory import make_private_directory
from gateway.durable import put_file

log = logging.getLogger(__name__)

KEY_BYTES: Final = 16
"""Length of every Z-Wave network key. Source: SDS13783 (S2) and SDS10865 (S0), AES-128."""

KEYS_FILE_BYTES_MAX: Final = 64 * 1024
"""Longest keys file read; a real one has about 400 bytes. Our bound, against a wrong path."""

_DRAWS_MAX: Final = 10  # drawing six different keys fails only when the source of chance is broken
_OTHERS_MASK: Final = 0o077


class KeyName(StrEnum):
    """The keys of one network, by their names in the keys file."""

    S0_LEGACY = "s0_legacy"
    S2_UNAUTHENTICATED = "s2_unauthenticated"
    S2_AUTHENTICATED = "s2_authenticated"
    S2_ACCESS_CONTROL = "s2_access_control"
    LR_S2_AUTHENTICATED = "lr_s2_authenticated"
    LR_S2_ACCESS_CONTROL = "lr_s2_access_control"


@dataclass(frozen=True, slots=True)
class NetworkKeys:
    """Six different keys of 16 bytes. `repr` shows none of them."""

    by_name: Mapping[KeyName, bytes] = field(repr=False)

    def hex(self, name: KeyName) -> str:
        """Give one key as 32 hexadecimal digits, the form both the keys file and the server's config use."""
        return self.by_name[name].hex()


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """One thing wrong with a keys file: where, what, and what to do."""

    place: str
    fault: str
    remedy: str


class KeysUnusableError(Exception):
    """The keys cannot be used; carries every problem found, each with place and remedy, none with a key."""

    def __init__(self, problems: tuple[KeyProblem, ...]) -> None:
        """Join the problems to one text, a line for each."""
        super().__init__("\n".join(f"{p.place}: {p.fault}; {p.remedy}" for p in problems))
        self.problems = problems


def draw_keys(entropy: Callable[[int], bytes]) -> NetworkKeys:
    """Draw six keys from `entropy(count) -> bytes`, which must be fit for secrets.

    Raises RuntimeError when ten draws do not give six different keys: then the source of chance is broken.
    """
    for _ in range(_DRAWS_MAX):
        drawn = {name: entropy(KEY_BYTES) for name in KeyName}
        if len(set(drawn.values())) == len(KeyName):
            return NetworkKeys(drawn)
    msg = "the source of chance gives the same key again and again"
    raise RuntimeError(msg)


def parse_keys(text: str, place: str) -> NetworkKeys:
    """Read a keys file's text; `place` is its name for people. Raises KeysUnusableError with all problems at once."""
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Only the position is told: the rest of the parser's text may quote the line, and the line may hold a key.
        where = f"{place}, line {_line_of(error)}"
        raise KeysUnusableError(
            (KeyProblem(where, "this is not TOML", 'write lines like s0_legacy = "<32 hex digits>"'),)
        ) from None
    problems = [_unknown(place, name) for name in table if name not in set(KeyName)]
    found: dict[KeyName, bytes] = {}
    for name in KeyName:
        value = table.get(name.value)
        fault = _fault(value)
        if fault is not None:
            problems.append(KeyProblem(f"{place}, {name.value}", fault, f"give {2 * KEY_BYTES} hexadecimal digits"))
        else:
            found[name] = bytes.fromhex(str(value))
    problems.extend(_twins(place, found))
    if problems:
        raise KeysUnusableError(tuple(problems))
    return NetworkKeys(found)


def format_keys(keys: NetworkKeys) -> str:
    """Write the keys file's text."""
    lines = [f'{name.value} = "{keys.hex(name)}"' for name in KeyName]
    return "\n".join(["# The keys of this Z-Wave network. Whoever has them can open the locks.", *lines, ""])


def import_keys(path: Path) -> NetworkKeys:
    """Read an existing keys file. Raises KeysUnusableError, also when it cannot be read."""
    try:
        if path.stat().st_size > KEYS_FILE_BYTES_MAX:
            raise KeysUnusableError((KeyProblem(str(path), "this is too long for a keys file", "check the path"),))
        # Of a file that is not ours, such as a unit's credential, the group's bits are the mask of its access list (acl(5)).
        is_ours = path.stat().st_uid == os.geteuid()
        if path.stat().st_mode & (_OTHERS_MASK if is_ours else _OTHERS_MASK & 0o007):
            log.warning("zwave.keys.readable_by_others", extra={"path": str(path), "remedy": "chmod 600"})
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
        raise KeysUnusableError((KeyProblem(str(path), fault, "check path and permissions"),)) from error
    except UnicodeDecodeError:
        raise KeysUnusableError((KeyProblem(str(path), "this is not text", "check the path"),)) from None
    return parse_keys(text, str(path))


def knows_a_network(cache_dir: Path) -> bool:
    """Whether the driver has met a stick with the keys there are. It names its files `<home id>.jsonl`, one set for each network."""
    return any(cache_dir.glob("*.jsonl"))


def import_or_draw_keys(path: Path, cache_dir: Path, entropy: Callable[[int], bytes]) -> NetworkKeys:
    """Read the keys file, or make it at first start.

    Raises KeysUnusableError when the file is missing although `cache_dir` holds a network: new keys would lock the
    gateway out of every lock in it. Raises OSError when the new file cannot be written.
    """
    if path.exists():
        return import_keys(path)
    if knows_a_network(cache_dir):
        raise KeysUnusableError(
            (
                KeyProblem(
                    str(path),
                    f"is missing, but {cache_dir} knows a network that was made with it",
                    "restore the file, or remove that directory to start over with all locks included anew",
                ),
            )
        )
    keys = draw_keys(entropy)
    make_private_directory(path.parent)
    put_file(path, format_keys(keys).encode())
    log.info("zwave.keys.made", extra={"path": str(path)})
    return keys


def _fault(value: object) -> str | None:
    if value is None:
        return "this key is missing"
    if not isinstance(value, str):
        return "this key is not a string"
    if len(value) != 2 * KEY_BYTES:
        return f"this key has {len(value)} characters"
    if any(digit not in "0123456789abcdefABCDEF" for digit in value):
        return "this key has characters that are not hexadecimal"
    return None


def _unknown(place: str, name: str) -> KeyProblem:
    # A name can be a key put on the wrong side of the equals sign, so it is only shown when it cannot be one.
    shown = name if len(name) < KEY_BYTES else "a long name"
    return KeyProblem(f"{place}, {shown}", "this is no key's name", f"use only {', '.join(KeyName)}")


def _twins(place: str, found: Mapping[KeyName, bytes]) -> list[KeyProblem]:
    first: dict[bytes, KeyName] = {}
    problems: list[KeyProblem] = []
    for name, key in found.items():
        twin = first.setdefault(key, name)
        if twin is not name:
            # Z-Wave JS refuses equal keys at start too, but only among the four that are not Long Range.
            fault = f"this key equals {twin.value}"
            problems.append(KeyProblem(f"{place}, {name.value}", fault, "every key must be different"))
    return problems


def _line_of(error: tomllib.TOMLDecodeError) -> str:
    words = str(error).partition("(at line ")[2]
    return words.partition(",")[0] or "last"
