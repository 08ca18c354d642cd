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

PARAMETER_ROLES = (
    *("code_length", "used_slots", "vacation", "user_types"),
    *(f"moves.{place}" for place in range(1, 5)),
    *(f"plain.{place}" for place in range(1, 13)),
)
"""What a profile may give a parameter number to (`settings.Role`)."""

ALARM_KINDS = (
    "keypad_locked",
    "keypad_unlocked",
    "manually_locked",
    "manually_unlocked",
    "radio_locked",
    "radio_unlocked",
    "auto_locked",
    "jammed",
    "code_added",
    "code_deleted",
    "all_codes_deleted",
    "duplicate_refused",
    "keypad_disabled",
    "low_battery",
    "outside_schedule",
    "power_applied",
    "cover_opened",
)
"""Notices that a profile may give a version 1 alarm type to (`NoticeKind` by value)."""

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
    "configuration",
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


class SlotIn(StrEnum):
    """Where a notification carries the slot it is about."""

    CODE_REPORT = "code_report"
    """In an embedded User Code Report, as the class wants it."""
    BYTE = "byte"
    """In one plain byte."""
    LEVEL = "level"
    """Only in the level of the version 1 alarm that the report carries too."""
    NOWHERE = "nowhere"


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
    """Exact length of every PIN from the factory; 0 when lengths may differ."""
    duplicates: Duplicates
    key_groups: Annotated[str, Within(0, 20)]
    """Digits that share a key, such as "12 34 56 78 90"; empty when every digit has its own."""
    programming_code: Annotated[str, Within(0, 10)]
    """Code of the owner that no user code may be the beginning of; empty: there is none."""
    protected_slot: Annotated[int, Within(0, SLOTS_MAX)]
    """A slot that the radio can neither write nor read, such as the master code's; 0: none."""
    is_masked: bool
    masked_length: Annotated[int, Within(0, 10)]
    """How many asterisks a masked code shows; 0: one per digit."""
    cleared_digits: Annotated[str, Within(0, 10)]
    """What an empty slot shows as its code; empty: zero bytes."""
    has_checksum: bool
    has_bulk: bool
    has_admin_code: bool
    """What a User Code version 2 lock says that it can do beyond single codes."""
    soak_s: Annotated[float, Within(0, 3600)]
    """After which time the lock deletes a new code again by itself; 0: never."""
    commit_s: Annotated[float, Within(0, 3600)]
    """How long after its answer a write is lost when the power goes; 0: it is stored at once."""
    busy_after_move_s: Annotated[float, Within(0, 60)]
    """How long after a move of the bolt a write is dropped without a word."""
    supervision_is_honest: bool
    """False where drivers do without the lock's Supervision, because it answers late, not always, or not truly."""
    says_working: bool
    """Whether a supervised write that takes time is answered "working" at once, and its end told after it."""
    parameters: Annotated[Mapping[str, int], Keys(PARAMETER_ROLES, 0xFF)]
    """Configuration parameters by what they mean (`settings.Role`)."""
    write_time_s: Annotated[float, Within(0, 60)]
    """How long the lock needs to store a code before it answers."""

    # Keypad, bolt, battery.
    wrong_presses_max: Annotated[int, Within(0, 100)]
    """Wrong presses in a row that switch the keypad off for `lockout_s`; 0: never."""
    lockout_s: Annotated[float, Within(0, 3600)]
    auto_relock_s: Annotated[float, Within(0, 3600)]
    battery_low_percent: Annotated[int, Within(0, 100)]
    battery_mah: Annotated[float, Within(1, 100_000)]
    idle_ua: Annotated[float, Within(0, 100_000)]
    """Mean current of sleeping and listening."""
    bolt_mas: Annotated[float, Within(0, 100_000)]
    press_mas: Annotated[float, Within(0, 100_000)]
    message_mas: Annotated[float, Within(0, 100_000)]
    beam_mas: Annotated[float, Within(0, 100_000)]
    """What one run of the motor, one PIN typed, one radio message and one waking beam cost, in milliampere-seconds."""

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
    notifies_outside_schedule: bool
    notifies_power: bool
    """Whether the lock tells that its power came back."""
    slot_in: SlotIn
    slot_offset: Annotated[int, Within(-100, 100)]
    """What a notification adds to the number of the slot it is about."""
    alarm_types: Annotated[Mapping[str, int], Keys(ALARM_KINDS, 0xFF)]
    """Version 1 alarm type of each notice; a notice without one is not told as an alarm."""
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
    if not _shares_every_digit_once(model.key_groups):
        reader.blame("key_groups", "does not name each digit once", 'write such as "12 34 56 78 90", or ""')
    if reader.problems:
        raise ProfileError(tuple(reader.problems))
    return model


def _shares_every_digit_once(key_groups: str) -> bool:
    return not key_groups or sorted(key_groups.replace(" ", "")) == list("0123456789")


def merged(facts: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Lay changes over the facts of a lock; tables such as the command classes are merged name by name."""
    result = {**facts, **changes}
    for name, change in changes.items():
        before = facts.get(name)
        if isinstance(before, Mapping) and isinstance(change, Mapping):
            result[name] = {**before, **change}
    return result


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
