"""What kinds of lock exist, as data with a source for every fact.

`profiles.toml` holds one table per model; each fact is `{ is = value, source = "where we know it from" }`. Facts left out come
from the table `defaults`. A scene may override any fact of a lock by its plain value.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import override

SLOTS_MAX = 255
"""Most slots a simulated lock may have: user identifiers above 255 exist only in the extended frames, which v1 locks lack."""

PIN_LENGTH_BOUNDS = (4, 10)
"""Shortest and longest PIN of the User Code class (CC:0063.01.01.11.006)."""

CLASS_NAMES = (
    "zwave_plus_info",
    "supervision",
    "security_2",
    "version",
    "manufacturer_specific",
    "device_reset_locally",
    "association",
    "association_group_info",
    "battery",
    "door_lock",
    "user_code",
    "notification",
)
"""Command classes a profile may give a version to; 0 means absent."""

FactValue = bool | int | float | str | Mapping[str, int]


class Duplicates(StrEnum):
    """What a lock does with a PIN that another slot holds already."""

    REFUSE = "refuse"
    """It keeps the old content and says so."""
    SILENT = "silent"
    """It keeps the old content and claims success, as far as it claims anything."""
    ALLOW = "allow"
    """It stores the PIN twice; the lower slot wins at the keypad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockModel:
    """One kind of lock. Times are seconds; 0 switches the behaviour off."""

    key: str
    label: str
    manufacturer_id: int
    product_type: int
    product_id: int
    firmware: str
    command_classes: Mapping[str, int]
    slots: int
    pin_length_min: int
    pin_length_max: int
    one_length: int
    """Exact length of every PIN; 0 when lengths may differ."""
    duplicates: Duplicates
    is_masked: bool
    is_flirs: bool
    auto_relock_s: float
    wrong_presses_max: int
    """Wrong presses in a row that switch the keypad off for `lockout_s`; 0: never."""
    lockout_s: float
    write_time_s: float
    """How long the lock needs to store a code before it answers."""
    battery_low_percent: int
    notifies_keypad_changes: bool
    notifies_radio_writes: bool
    notifies_duplicates: bool
    reports_operation: bool
    """Whether a move of the bolt also sends a Door Lock report beside the notification."""

    @property
    def is_supervised(self) -> bool:
        """Whether the lock confirms commands through Supervision."""
        return self.command_classes.get("supervision", 0) > 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a profile or scene: where, what, and what to write instead."""

    place: str
    text: str
    remedy: str

    @override
    def __str__(self) -> str:
        """Render for people, one line."""
        return f"{self.place}: {self.text}; {self.remedy}"


class ProfileError(ValueError):
    """Facts that make no lock; `problems` lists every one of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep all problems, so that they can be reported at once."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


_KINDS: dict[str, type] = {
    "label": str,
    "manufacturer_id": int,
    "product_type": int,
    "product_id": int,
    "firmware": str,
    "slots": int,
    "pin_length_min": int,
    "pin_length_max": int,
    "one_length": int,
    "duplicates": str,
    "is_masked": bool,
    "is_flirs": bool,
    "auto_relock_s": float,
    "wrong_presses_max": int,
    "lockout_s": float,
    "write_time_s": float,
    "battery_low_percent": int,
    "notifies_keypad_changes": bool,
    "notifies_radio_writes": bool,
    "notifies_duplicates": bool,
    "reports_operation": bool,
}

_BOUNDS: dict[str, tuple[float, float]] = {
    "manufacturer_id": (0, 0xFFFF),
    "product_type": (0, 0xFFFF),
    "product_id": (0, 0xFFFF),
    "slots": (1, SLOTS_MAX),
    "pin_length_min": PIN_LENGTH_BOUNDS,
    "pin_length_max": PIN_LENGTH_BOUNDS,
    "one_length": (0, PIN_LENGTH_BOUNDS[1]),
    "auto_relock_s": (0, 3600),
    "wrong_presses_max": (0, 100),
    "lockout_s": (0, 3600),
    "write_time_s": (0, 60),
    "battery_low_percent": (0, 100),
}

OVERRIDABLE = (*_KINDS, "command_classes")
"""Names a scene may use under `[locks.override]`."""


class _Facts:
    """Reads typed facts out of an untyped table and gathers what is wrong instead of stopping at the first."""

    def __init__(self, place: str, facts: Mapping[str, object]) -> None:
        self.place = place
        self.facts = facts
        self.problems: list[Problem] = []

    def blame(self, name: str, text: str, remedy: str) -> None:
        self.problems.append(Problem(f"{self.place}.{name}", text, remedy))

    def text(self, name: str) -> str:
        value = self.facts.get(name)
        if isinstance(value, str) and value:
            return value
        self.blame(name, "is missing or not text", "write it between quotes")
        return ""

    def flag(self, name: str) -> bool:
        value = self.facts.get(name)
        if isinstance(value, bool):
            return value
        self.blame(name, "is missing or not a yes or no", "write true or false")
        return False

    def number(self, name: str) -> float:
        value = self.facts.get(name)
        low, high = _BOUNDS[name]
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.blame(name, "is missing, not a number or out of range", f"write a number from {low:g} to {high:g}")
        return low

    def whole(self, name: str) -> int:
        value = self.number(name)
        if value == int(value):
            return int(value)
        self.blame(name, "is not a whole number", "leave the fraction out")
        return int(value)

    def classes(self) -> Mapping[str, int]:
        value = self.facts.get("command_classes")
        if not isinstance(value, Mapping):
            self.blame("command_classes", "is missing or not a table", "write a table of class = version")
            return {}
        versions: dict[str, int] = {}
        for name, version in value.items():
            if name not in CLASS_NAMES:
                self.blame(f"command_classes.{name}", "is not a known class", f"use one of {', '.join(CLASS_NAMES)}")
            elif not isinstance(version, int) or isinstance(version, bool) or not 0 <= version <= 0xFF:
                self.blame(f"command_classes.{name}", "is not a version", "write 0 (absent) to 255")
            elif version:
                versions[str(name)] = version
        return versions

    def duplicates(self) -> Duplicates:
        value = self.facts.get("duplicates")
        try:
            return Duplicates(str(value))
        except ValueError:
            self.blame("duplicates", "is not a known rule", f"use one of {', '.join(Duplicates)}")
            return Duplicates.REFUSE


def model_from(key: str, facts: Mapping[str, object], place: str) -> LockModel:
    """Make a lock model of plain facts; raises `ProfileError` with every problem found, each with its place."""
    reader = _Facts(place, facts)
    for name in facts:
        if name not in OVERRIDABLE:
            reader.blame(name, "is not a fact of a lock", f"use one of {', '.join(OVERRIDABLE)}")
    model = LockModel(
        key=key,
        label=reader.text("label"),
        manufacturer_id=reader.whole("manufacturer_id"),
        product_type=reader.whole("product_type"),
        product_id=reader.whole("product_id"),
        firmware=reader.text("firmware"),
        command_classes=reader.classes(),
        slots=reader.whole("slots"),
        pin_length_min=reader.whole("pin_length_min"),
        pin_length_max=reader.whole("pin_length_max"),
        one_length=reader.whole("one_length"),
        duplicates=reader.duplicates(),
        is_masked=reader.flag("is_masked"),
        is_flirs=reader.flag("is_flirs"),
        auto_relock_s=reader.number("auto_relock_s"),
        wrong_presses_max=reader.whole("wrong_presses_max"),
        lockout_s=reader.number("lockout_s"),
        write_time_s=reader.number("write_time_s"),
        battery_low_percent=reader.whole("battery_low_percent"),
        notifies_keypad_changes=reader.flag("notifies_keypad_changes"),
        notifies_radio_writes=reader.flag("notifies_radio_writes"),
        notifies_duplicates=reader.flag("notifies_duplicates"),
        reports_operation=reader.flag("reports_operation"),
    )
    if model.pin_length_min > model.pin_length_max:
        reader.blame("pin_length_min", "is above pin_length_max", "swap them")
    if model.one_length and not model.pin_length_min <= model.one_length <= model.pin_length_max:
        reader.blame("one_length", "is outside the allowed lengths", "choose one between them, or 0")
    if reader.problems:
        raise ProfileError(tuple(reader.problems))
    return model


def _plain(place: str, table: Mapping[str, object]) -> dict[str, object]:
    """Strip the sources off a profile's facts; a fact without one is refused."""
    plain: dict[str, object] = {}
    problems: list[Problem] = []
    for name, fact in table.items():
        if isinstance(fact, Mapping) and isinstance(fact.get("source"), str) and "is" in fact:
            plain[name] = fact["is"]
        else:
            problems.append(Problem(f"{place}.{name}", "has no source", 'write { is = …, source = "…" }'))
    if problems:
        raise ProfileError(tuple(problems))
    return plain


def read_profiles(text: str) -> dict[str, dict[str, object]]:
    """Read the tables of `profiles.toml` into plain facts per model, defaults filled in.

    Raises `ProfileError` for a fact without a source, and `tomllib.TOMLDecodeError` for broken TOML.
    """
    tables = tomllib.loads(text)
    defaults = _plain("defaults", tables.pop("defaults", {}))
    facts: dict[str, dict[str, object]] = {}
    for key, table in tables.items():
        own = _plain(key, table)
        facts[key] = {**defaults, **own}
    return facts


def shipped_profiles() -> dict[str, dict[str, object]]:
    """Return the facts of every lock model that ships with the simulator, by its key."""
    return read_profiles(resources.files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8"))


def shipped_model(key: str) -> LockModel:
    """Return one shipped model; raises `KeyError` for a key that does not exist."""
    return model_from(key, shipped_profiles()[key], key)
