"""The lock device files of the installed Z-Wave JS package, read for what our own quirks should know about."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.zwave.quirks import Product
from drivers.zwave.server.node import PACKAGE_DIR

DEVICES_DIR = PACKAGE_DIR / "node_modules" / "@zwave-js" / "config" / "config" / "devices"

_LOCK_WORDS = re.compile(
    r"\b(lock|locks|smart code|deadbolt|leverset|lever|latch|smartcode|mortise|doorlock|rim)\b", re.IGNORECASE
)
_NOT_CODE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")

NOTABLE = ("alarmMapping", "reportTimeout", "overrideQueries", "Supervision removed")


@dataclass(frozen=True, slots=True)
class LockFile:
    """One device file: whose it is, and which of the notable entries of its `compat` it has."""

    path: str
    products: tuple[Product, ...]
    notable: frozenset[str]


def all_files() -> list[Path]:
    """Every device file, templates aside."""
    return sorted(path for path in DEVICES_DIR.glob("0x*/*.json"))


def read(path: Path) -> dict[str, object]:
    """JSON with comments and trailing commas, as the package has it."""
    text = path.read_text(encoding="utf-8")
    bare = _NOT_CODE.sub(lambda found: found[0] if found[0].startswith('"') else "", text)
    parsed = json.loads(_TRAILING_COMMA.sub(r"\1", bare))
    assert isinstance(parsed, dict), path
    return parsed


def lock_files() -> Iterator[LockFile]:
    """Every file that describes a lock, told by the words of its label and description."""
    for path in all_files():
        parsed = read(path)
        words = json.dumps([parsed.get("label"), parsed.get("description")])
        if not _LOCK_WORDS.search(words):
            continue
        manufacturer = int(str(parsed["manufacturerId"]), 16)
        devices = parsed["devices"]
        assert isinstance(devices, list)
        products = [Product(manufacturer, int(each["productType"], 16), int(each["productId"], 16)) for each in devices]
        yield LockFile(str(path.relative_to(DEVICES_DIR)), tuple(products), frozenset(_notable(parsed)))


def _notable(parsed: dict[str, object]) -> Iterator[str]:
    compat = parsed.get("compat")
    for entry in compat if isinstance(compat, list) else [compat]:
        if isinstance(entry, dict):
            yield from (name for name in NOTABLE if name in entry)
            classes = entry.get("commandClasses")
            removed = classes.get("remove", {}) if isinstance(classes, dict) else {}
            if "Supervision" in removed:
                yield "Supervision removed"
