"""Pure: who a stick is, from its USB descriptor and its own answers."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

HOME_ID_BYTES: Final = 4
"""INS13954, MemoryGetId: the home id comes first, the node id (8 or 16 bits) behind it."""

TEXT_LENGTH_MAX: Final = 40
"""How much of a foreign text is kept; a firmware's name has 12 characters."""


class Match(StrEnum):
    """How sure the USB descriptor makes us that this is a Z-Wave stick."""

    SURE = "sure"
    PERHAPS = "perhaps"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """What the operating system tells of a serial port. `usb` is vendor and product id; None for a port that is not USB."""

    path: str
    usb: tuple[int, int] | None
    text: str
    """Product and maker in one line."""


@dataclass(frozen=True, slots=True)
class KnownStick:
    """One row of `sticks.toml`."""

    label: str
    usb: tuple[int, int]
    words: tuple[str, ...]
    note: str
    interface: int | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the table says about a port."""

    match: Match
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StickIdentity:
    """What the stick itself said. `vendor` and the two product numbers are those of the Serial API capabilities."""

    home_id: int
    firmware: str
    vendor: int
    product_type: int
    product_id: int


@cache
def known_sticks() -> tuple[KnownStick, ...]:
    """All rows. Raises `ValueError` for a row without a source."""
    table = tomllib.loads((files("drivers.zwave.stick") / "sticks.toml").read_text(encoding="utf-8"))
    rows: list[KnownStick] = []
    for row in table["stick"]:
        if not row.get("source"):
            msg = f"sticks.toml: {row['label']}: no source"
            raise ValueError(msg)
        vendor, product = row["usb"]
        words, note, interface = tuple(row.get("words", ())), row.get("note", ""), row.get("interface")
        rows.append(KnownStick(row["label"], (vendor, product), words, note, interface))
    return tuple(rows)


def recognise(device: UsbDevice) -> Recognised:
    """Look a port up. Never more than `PERHAPS` where the ids are shared and the text does not say Z-Wave."""
    for row in known_sticks():
        if row.usb == device.usb:
            told = device.text.casefold()
            is_sure = not row.words or any(word.casefold() in told for word in row.words)
            return Recognised(Match.SURE if is_sure else Match.PERHAPS, row.label, row.note)
    return Recognised(Match.UNKNOWN, clean_text(device.text) or "unknown product")


def identity_of(version: bytes, capabilities: bytes, controller_id: bytes) -> StickIdentity | None:
    """Read the three answers; None when one is too short to be what it should be."""
    # INS13954: the version is a text that ends with 0 and one byte of library type; the capabilities are firmware (2), vendor,
    # product type and product id (2 each), and a bit mask.
    if len(controller_id) <= HOME_ID_BYTES or len(capabilities) < 8 or b"\0" not in version:
        return None
    numbers = [int.from_bytes(capabilities[place : place + 2]) for place in (2, 4, 6)]
    firmware = clean_text(version.partition(b"\0")[0].decode("ascii", errors="replace"))
    return StickIdentity(int.from_bytes(controller_id[:HOME_ID_BYTES]), firmware, *numbers)


def clean_text(text: str) -> str:
    """A foreign text made fit for a person: one line, printable, cut."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:TEXT_LENGTH_MAX]
