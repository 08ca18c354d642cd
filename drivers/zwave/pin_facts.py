"""What a row of `quirks.toml`, or the owner, says of a lock's PINs beyond their lengths (A11, D5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.pin import PinRule
from gateway.model.pin_rules import (
    PinRelations,
    at_least_distinct,
    leading_distinct,
    not_starting_with,
    only_digits,
    runs_at_most,
)

NAMES = (
    "alphabet", "not_starting_with", "distinct_digits", "leading_distinct", "runs_at_most",
    "shared_keys", "neighbours", "distinct_prefix",
)  # fmt: skip
"""The options that this file reads."""

_COUNTS = {"distinct_digits": 10, "leading_distinct": 10, "runs_at_most": 9, "neighbours": 9, "distinct_prefix": 10}
"""Whole numbers from 1 to these."""


@dataclass(frozen=True, slots=True)
class PinFacts:
    """Rules for one PIN, and relations between two."""

    further: tuple[PinRule, ...] = ()
    relations: PinRelations = PinRelations()  # noqa: RUF009 - frozen


def read_pin_facts(options: Mapping[str, object]) -> tuple[PinFacts | None, list[str]]:
    """The facts that are given, None when there are none, and one line per mistake."""
    given = {name: options[name] for name in NAMES if name in options}
    mistakes = [line for name, value in given.items() if (line := _mistake(name, value)) is not None]
    if not given or mistakes:
        return None, mistakes
    rules = [
        maker(value)
        for name, maker in (
            ("distinct_digits", at_least_distinct),
            ("leading_distinct", leading_distinct),
            ("runs_at_most", runs_at_most),
        )
        if isinstance(value := given.get(name), int)
    ]
    if isinstance(alphabet := given.get("alphabet"), str):
        rules.append(only_digits(alphabet))
    if prefixes := _texts(given.get("not_starting_with")):
        rules.append(not_starting_with(*prefixes))
    relations = PinRelations(
        _texts(given.get("shared_keys")), _count(given, "neighbours"), _count(given, "distinct_prefix")
    )
    return PinFacts(tuple(rules), relations), []


def _mistake(name: str, value: object) -> str | None:
    if name in _COUNTS:
        is_count = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _COUNTS[name]
        return None if is_count else f"{name} must be a whole number from 1 to {_COUNTS[name]}"
    if name == "alphabet":
        return (
            None if isinstance(value, str) and _is_digits(value) else "alphabet must be the allowed digits, each once"
        )
    texts = _texts(value)
    if name == "shared_keys":
        is_fine = bool(texts) and _is_digits("".join(texts))
        return None if is_fine else 'shared_keys must be like ["12", "34", "56", "78", "90"], no digit twice'
    is_fine = bool(texts) and all(text.isascii() and text.isdigit() for text in texts)
    return None if is_fine else 'not_starting_with must be like ["0", "12"]'


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(set(text)) == len(text)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _count(given: Mapping[str, object], name: str) -> int:
    value = given.get(name)
    return value if isinstance(value, int) else 0
