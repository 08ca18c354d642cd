"""What kinds of lock exist, as data with a source for every fact.

`profiles.toml` holds one table per model; each fact is `{ is = value, source = "where we know it from" }`. Facts left out come
from the table `defaults`. A scene may override any fact of a lock by its plain value.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any

from drivers.simulator.lock.facts import FactReader, Keys, Problem, ProfileError, Within

__all__ = ["Duplicates", "LockModel", "Problem", "ProfileError", "model_from", "read_profiles", "shipped_model"]

SLOTS_MAX = 255
"""Most slots a simulated lock may have: user identifiers above 255 exist only in the extended frames, which v1 locks lack."""

CLASS_NAMES = (
    "zwave_plus_info",
    "supervision",
    "security",
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
    "schedule_entry_lock",
    "time",
    "time_parameters",
    "clock",
)
"""Command classes a profile may give a version to; 0 means absent."""


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
    """One kind of lock. Times are seconds; 0 switches a behaviour off. What the facts do is decided by the firmware alone."""

    key: str
    label: str
    manufacturer_id: Annotated[int, Within(0, 0xFFFF)]
    product_type: Annotated[int, Within(0, 0xFFFF)]
    product_id: Annotated[int, Within(0, 0xFFFF)]
    firmware: str
    command_classes: Annotated[Mapping[str, int], Keys(CLASS_NAMES, 0xFF)]
    is_flirs: bool

    # Codes.
    slots: Annotated[int, Within(1, SLOTS_MAX)]
    pin_length_min: Annotated[int, Within(4, 10)]
    pin_length_max: Annotated[int, Within(4, 10)]
    """Bounds of the User Code class (CC:0063.01.01.11.006)."""
    one_length: Annotated[int, Within(0, 10)]
    """Exact length of every PIN; 0 when lengths may differ."""
    duplicates: Duplicates
    is_masked: bool
    write_time_s: Annotated[float, Within(0, 60)]
    """How long the lock needs to store a code before it answers."""

    # Keypad, bolt, battery.
    wrong_presses_max: Annotated[int, Within(0, 100)]
    """Wrong presses in a row that switch the keypad off for `lockout_s`; 0: never."""
    lockout_s: Annotated[float, Within(0, 3600)]
    auto_relock_s: Annotated[float, Within(0, 3600)]
    battery_low_percent: Annotated[int, Within(0, 100)]

    # Schedules, and the clock they go by.
    year_day_slots: Annotated[int, Within(0, 20)]
    """Slots per user; twenty is the most any lock we know of claims. 0: the lock has no schedules of the kind."""
    week_day_slots: Annotated[int, Within(0, 20)]
    daily_slots: Annotated[int, Within(0, 20)]
    enforces_schedules: bool
    """False: the lock stores schedules, reports them, and opens at any hour all the same."""
    schedule_needs_code: bool
    """Whether a schedule is refused for a slot that holds no code."""
    erased_schedule_bars: bool
    """Whether a user whose last schedule was erased has no access until set free, instead of access at any hour."""
    clear_forgets_schedules: bool
    """Whether a slot that is emptied loses its schedules too."""
    clock_drift_ppm: Annotated[float, Within(-10_000, 10_000)]
    """How fast the lock's clock runs; above 0: too fast."""
    clock_default_year: Annotated[int, Within(1970, 2099)]
    """January 1st of which year the clock shows after a loss of power."""

    # What the lock tells on its own.
    notifies_keypad_changes: bool
    notifies_radio_writes: bool
    notifies_duplicates: bool
    reports_operation: bool
    """Whether a move of the bolt also sends a Door Lock report beside the notification."""

    @property
    def is_supervised(self) -> bool:
        """Whether the lock confirms commands through Supervision."""
        return self.command_classes.get("supervision", 0) > 0

    @property
    def has_schedules(self) -> bool:
        """Whether the lock keeps schedules of any kind."""
        return bool(self.year_day_slots or self.week_day_slots or self.daily_slots)


OVERRIDABLE = tuple(fact.name for fact in fields(LockModel) if fact.name != "key")
"""Names a scene may use under `[locks.override]`."""


def model_from(key: str, facts: Mapping[str, object], place: str) -> LockModel:
    """Make a lock model of plain facts; raises `ProfileError` with every problem found, each with its place."""
    reader = FactReader(place, facts)
    for name in facts:
        if name not in OVERRIDABLE:
            reader.blame(name, "is not a fact of a lock", f"use one of {', '.join(OVERRIDABLE)}")
    read: dict[str, Any] = {fact.name: reader.read(fact.name, fact.type) for fact in fields(LockModel)[1:]}
    model = LockModel(key=key, **read)
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
