"""The locks that stand on the benches: models of the simulator, and what each of them lacks for the scenes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from drivers.kit.bench import Need, Pins
from drivers.simulator.lock.profiles import Duplicates, LockModel, model_from, shipped_profiles
from gateway.model.pin import LONGEST_PIN, SHORTEST_PIN, Pin

SLOTS = 6
"""Slots of a lock on the bench: enough for every scene, and soon asked in an interview."""

LOCKOUT_S = 1.5
"""How long a keypad on the bench stays locked; the models' own minute would be waited for in real time."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One lock on the bench: a shipped model with some of its facts changed."""

    name: str
    profile: str
    override: Mapping[str, object]

    def facts(self) -> dict[str, object]:
        """The changed facts, as a scene file of the simulator would write them."""
        return {"slots": SLOTS, "lockout_s": LOCKOUT_S, "write_time_s": 0, **self.override}

    def model(self) -> LockModel:
        """The lock as the simulator makes it."""
        return model_from(self.profile, {**_shipped()[self.profile], **self.facts()}, self.name)


@cache
def _shipped() -> dict[str, dict[str, object]]:
    return shipped_profiles()


NOTIFICATION_MIN = 2
"""From this version on a lock tells more than version 1 alarms."""

KINDS = (
    Kind("plain", "plain_v1", {}),
    Kind("masked", "masked", {}),
    Kind("silent", "no_supervision", {}),
    Kind("v2", "plain_v2", {}),
    Kind("mute", "plain_v1", {"notifies_keypad_changes": False}),
    Kind("timed", "timed", {}),
    Kind("strict", "timed_strict", {}),
)
"""A scene is played on the first of these that has what it needs."""


def pins_of(model: LockModel) -> Pins:
    """PINs that this model takes, and one that it does not."""
    length = model.one_length or model.pin_length_min
    longer = [number for number in range(SHORTEST_PIN, LONGEST_PIN + 1) if not _takes(model, number)]
    digits = ("902461", "471193", "836205", "517384", "294750", "660917")
    theirs, first, second, third, fourth, wrong = (Pin((text * 2)[:length]) for text in digits)
    return Pins(theirs, first, second, third, fourth, wrong, Pin("3518264970"[: longer[-1]]) if longer else None)


def _takes(model: LockModel, length: int) -> bool:
    if model.one_length:
        return length == model.one_length
    return model.pin_length_min <= length <= model.pin_length_max


def confirms(model: LockModel) -> bool:
    """Whether the lock's word about a write is believed: it speaks of it, and drivers do not have to do without."""
    return model.is_supervised and bool(getattr(model, "supervision_is_honest", True))


def lacking_of(model: LockModel) -> dict[Need, str]:
    """What this model does not have, whoever asks it."""
    return dict(_lacking(model))


def _lacking(model: LockModel) -> Iterator[tuple[Need, str]]:
    if model.is_masked:
        yield Need.CLEAR, "the lock masks"
    else:
        yield Need.MASKED, "the lock shows its PINs"
    if confirms(model):
        yield Need.UNCONFIRMED, "the lock confirms"
    else:
        for need in (Need.CONFIRMED, Need.TELLS_REFUSALS, Need.LOSE_REPORT):
            yield need, "the lock gives no answer to a write"
    if model.duplicates is Duplicates.ALLOW:
        yield Need.DUPLICATES_REFUSED, "the lock stores a PIN twice"
    if model.duplicates is not Duplicates.REFUSE or not model.notifies_duplicates:
        yield Need.TELLS_DUPLICATES, "the lock does not complain of a duplicate"
    if all(_takes(model, length) for length in range(SHORTEST_PIN, LONGEST_PIN + 1)):
        yield Need.WRONG_LENGTH, "the lock takes every length"
    if model.notifies_radio_writes:
        yield Need.QUIET_WRITES, "the lock tells of our own writes too"
    if model.notifies_keypad_changes:
        yield Need.HIDES_HANDS, "the lock tells of codes changed by hand"
    else:
        for need in (Need.TELLS_HANDS, Need.RESET):
            yield need, "the lock tells nothing of codes changed by hand"
    if not model.wrong_presses_max:
        yield Need.LOCKS_OUT, "the keypad never locks itself"
    if model.command_classes.get("notification", 0) < NOTIFICATION_MIN:
        yield Need.TAMPER, "the lock tells nothing of its cover"
    if not model.year_day_slots:
        yield Need.WINDOWS, "the lock keeps no windows"
    if not (model.year_day_slots and model.command_classes.get("time_parameters")):
        yield Need.CLOCK, "the lock has no clock"


def kind_named(name: str) -> Kind:
    """One of `KINDS`, or a shipped model by the name of its profile."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    return replace(KINDS[0], name=name, profile=name)
