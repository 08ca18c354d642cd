"""The search for what is secret: over all that the hub of the story ever said, and every byte of its card.

A PIN may lie in clear in the Z-Wave driver's own memory (N1), a key in its file under `identity`, both on the data partition and root's
or one service's alone; what an owner laid on the firmware partition is his own. Whatever is found elsewhere is a leak. Bytes of files
that are gone count by the last thing known about them: nothing; so they are told among the figures, and only a PIN there that never
was the driver's is a leak.
"""

import base64
import mmap
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.seal import HubKeys
from tests.image.figures import Figures
from tests.image.medium import Medium
from tests.image.record import Secrets
from tests.image.surroundings import Surroundings

DRIVER_LINE = re.compile(rb"userCode")
"""What stands before a PIN in the driver's memory: lines of JSON, each with the name of a value."""

AROUND_BYTES = 300


@pytest.fixture(scope="module")
def keys(card: Medium, around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every key of the run as it could lie somewhere: as bytes, as digits, as text."""
    with card.read() as tree:
        identity = tree.take("/identity", tmp_path_factory.mktemp("identity"))
    secret = (identity / "gateway.secret").read_bytes()
    pages = HubKeys.derive(secret)
    found = {
        "hub secret": secret,
        "page key": pages.page_key,
        "seal key": pages.seal_key,
        "digest key": pages.digest_key,
    }
    for line in around.network_keys.splitlines():
        if "=" in line:
            found[f"network key {line.split()[0]}"] = bytes.fromhex(line.split('"')[1])
    ways: dict[str, bytes] = {}
    for name, key in found.items():
        ways |= {
            f"{name}, bytes": key,
            f"{name}, digits": key.hex().encode(),
            f"{name}, base64": base64.b64encode(key)[:-4],
        }
        ways[f"{name}, capitals"] = key.hex().upper().encode()
    body = b"".join(around.hub_key.key.splitlines()[1:3])
    return ways | {"broker key": around.hub_key.key.splitlines()[1], "broker key, bytes": base64.b64decode(body)[:48]}


@pytest.fixture(scope="module")
def pins(secrets: Secrets) -> dict[str, bytes]:
    assert secrets.pins, "no chapter with orders was played before this one"
    return {pin: pin.encode() for pin in sorted(secrets.pins)}


def test_the_console_never_showed_a_pin_or_key(card: Medium, pins: dict[str, bytes], keys: dict[str, bytes]) -> None:
    said = (card.folder / "console.log").read_bytes()
    assert b"Linux" in said, "the console's log is not what it seems"
    assert [name for name, word in (pins | keys).items() if word in said] == []


def test_the_journal_never_showed_a_pin_or_key(
    secrets: Secrets, pins: dict[str, bytes], keys: dict[str, bytes]
) -> None:
    said = "\n".join(secrets.journals).encode()
    assert b"gateway.started" in said, "the journal is not what it seems"
    assert [name for name, word in (pins | keys).items() if word in said] == []


def test_the_card_holds_pins_and_keys_in_their_own_places_only(
    card: Medium, pins: dict[str, bytes], keys: dict[str, bytes], figures: Figures
) -> None:
    places = Counter[str]()
    leaks = []
    with card.read() as tree:
        begin, size = card.span("data")
        for name, at in _hits(card.path, pins | keys):
            is_data = begin <= at < begin + size
            where = tree.owner(at - begin) if is_data else _partition(card, at)
            kind = "pin" if name in pins else "key"
            places[f"{kind} in {where}"] += 1
            if not _is_allowed(kind, where, card.path, at):
                leaks.append((name if kind == "key" else "a PIN", where, at))
    for place, count in sorted(places.items()):
        figures.note(f"found on the card: {place}", count, "times")
    assert any(place.startswith("key in /identity") for place in places), (
        "the search finds nothing, not even what is there"
    )
    assert leaks == []


def _hits(path: Path, words: dict[str, bytes]) -> Iterator[tuple[str, int]]:
    pattern = re.compile(b"|".join(re.escape(word) for word in words.values()))
    names = {word: name for name, word in words.items()}
    with path.open("rb") as disk, mmap.mmap(disk.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        for match in pattern.finditer(whole):
            yield names[match[0]], match.start()


def _partition(card: Medium, at: int) -> str:
    for label in ("firmware", "bootstate", "boot_a", "boot_b", "system_a", "system_b"):
        begin, size = card.span(label)
        if begin <= at < begin + size:
            return label
    return "no partition"


def _is_allowed(kind: str, where: str, path: Path, at: int) -> bool:
    if where == "firmware":
        return kind == "key"
    if kind == "key":
        return where.startswith("/identity/")
    if where != "free":
        return where.startswith("/zwave/")
    # The driver writes its memory anew into another file and deletes the old one.
    with path.open("rb") as disk:
        disk.seek(max(0, at - AROUND_BYTES))
        return DRIVER_LINE.search(disk.read(2 * AROUND_BYTES)) is not None
