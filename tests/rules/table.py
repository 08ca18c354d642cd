"""The table of rules: what each says, which tests hold it, and how it is broken on purpose."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

RULES = (
    *(f"A{number}" for number in range(1, 20)),
    *(f"T{number}" for number in range(1, 6)),
    *(f"N{number}" for number in range(1, 8)),
    *(f"D{number}" for number in range(1, 7)),
)
"""Every rule that must have its row: access codes, time, never, lock port."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One line of the program, and the line that breaks the rule in its place."""

    does: str
    file: str
    old: str
    new: str

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    def broken(self, source: str) -> str:
        """The module's text with the mutation in it. Raises `ValueError` when the line is not there exactly once."""
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file} has the text {self.old!r} {count} times: mend tests/rules/rules.toml")
        return source.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. An empty cell, no tests or no mutation, is a hole that `make rules` tells.

    A rule that says several things is broken in several ways, one after the other.
    """

    rule: str
    says: str
    tests: tuple[str, ...]
    mutations: tuple[Mutation, ...]

    @property
    def reachable(self) -> tuple[str, ...]:
        """The tests that a mutation reaches: those of the real stack start the daemon as a process of its own."""
        return tuple(test for test in self.tests if not test.startswith("tests/stack/"))

    @property
    def holes(self) -> tuple[str, ...]:
        return tuple(
            name
            for name, is_there in (("tests", bool(self.reachable)), ("mutation", bool(self.mutations)))
            if not is_there
        )


def read_table(text: str | None = None) -> Mapping[str, Row]:
    """All rows by rule; a rule that the file does not name has an empty row."""
    kept = tomllib.loads((Path(__file__).parent / "rules.toml").read_text() if text is None else text)
    if strange := set(kept) - set(RULES):
        raise ValueError(f"no such rules: {sorted(strange)}")
    return {rule: _row(rule, kept.get(rule, {})) for rule in RULES}


def _row(rule: str, kept: Mapping[str, object]) -> Row:
    tests, broken = kept.get("tests", []), kept.get("mutation", [])
    assert isinstance(tests, list)
    ways: list[dict[str, str]] = broken if isinstance(broken, list) else [broken]  # type: ignore[list-item] # one table, or several
    return Row(
        rule, str(kept.get("says", "")), tuple(str(test) for test in tests), tuple(Mutation(**way) for way in ways)
    )


def is_test_there(test: str) -> bool:
    """Whether a test of this id (`file::name`) is written in its file."""
    file, _, name = test.partition("::")
    path = ROOT / file
    return (
        path.is_file() and re.search(rf"^(async )?def {re.escape(name)}\(", path.read_text(), re.MULTILINE) is not None
    )
