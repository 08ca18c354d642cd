"""Reading typed facts out of an untyped table, gathering everything wrong instead of stopping at the first.

The class that is filled says what a fact must be: its annotation is the type, and `Annotated[..., Within(low, high)]` the bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, get_args, get_origin, override


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds of a number or of a text's length, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of a table of whole numbers may be, and the largest number."""

    names: tuple[str, ...]
    largest: int


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


class FactReader:
    """Goes through one table of facts; `problems` grows on the way."""

    def __init__(self, place: str, facts: Mapping[str, object]) -> None:
        """Read `facts`, which stand at `place` for whoever has to correct them."""
        self.place = place
        self.facts = facts
        self.problems: list[Problem] = []

    def blame(self, name: str, text: str, remedy: str) -> None:
        """Note one problem with one fact."""
        self.problems.append(Problem(f"{self.place}.{name}", text, remedy))

    def read(self, name: str, wanted: object) -> object:
        """Return the fact `name` as its annotation `wanted` asks, or something harmless after blaming it."""
        kind, rule = _cut(wanted)
        value = self.facts.get(name)
        match rule:
            case Keys():
                return self._table(name, value, rule)
            case Within() if kind is not str:
                return self._number(name, value, rule, is_whole=kind is int)
            case _ if isinstance(kind, type) and issubclass(kind, StrEnum):
                return self._choice(name, value, kind)
            case _ if kind is bool:
                return self._flag(name, value)
            case _:
                return self._text(name, value, rule if isinstance(rule, Within) else Within(1, 200))

    def _text(self, name: str, value: object, length: Within) -> str:
        if isinstance(value, str) and length.low <= len(value) <= length.high:
            return value
        bounds = f"{length.low:g} to {length.high:g}"
        self.blame(name, "is missing or not text of the right length", f"write {bounds} characters between quotes")
        return ""

    def _flag(self, name: str, value: object) -> bool:
        if isinstance(value, bool):
            return value
        self.blame(name, "is missing or not a yes or no", "write true or false")
        return False

    def _number(self, name: str, value: object, within: Within, *, is_whole: bool) -> float:
        bounds = f"{within.low:g} to {within.high:g}"
        if not isinstance(value, int | float) or isinstance(value, bool) or not within.low <= value <= within.high:
            self.blame(name, "is missing, not a number or out of range", f"write a number from {bounds}")
            return within.low
        if not is_whole:
            return value
        if value != int(value):
            self.blame(name, "is not a whole number", "leave the fraction out")
        return int(value)

    def _choice[Choice: StrEnum](self, name: str, value: object, kind: type[Choice]) -> Choice:
        try:
            return kind(str(value))
        except ValueError:
            self.blame(name, "is not a known rule", f"use one of {', '.join(kind)}")
            return next(iter(kind))

    def _table(self, name: str, value: object, keys: Keys) -> Mapping[str, int]:
        if not isinstance(value, Mapping):
            self.blame(name, "is missing or not a table", "write a table of name = number")
            return {}
        read: dict[str, int] = {}
        for key, number in value.items():
            if key not in keys.names:
                self.blame(f"{name}.{key}", "is not known here", f"use one of {', '.join(keys.names)}")
            elif not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= keys.largest:
                self.blame(f"{name}.{key}", "is not a number in range", f"write 0 (absent) to {keys.largest}")
            elif number:
                read[str(key)] = number
        return read


def _cut(wanted: object) -> tuple[object, object]:
    """Split an annotation into its type and its rule, None without one."""
    if get_origin(wanted) is not Annotated:
        return wanted, None
    kind, rule = get_args(wanted)
    return kind, rule
