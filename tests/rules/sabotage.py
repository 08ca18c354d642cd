"""Run tests with one rule broken in the source: `python -m tests.rules.sabotage RULE.WAY [arguments of pytest]`.

`A10.2` is the second way in which the table breaks A10.
The broken text takes the place of the right one while the module is loaded, so a mutation reads like a line of a diff, holds
for everybody who imports the module, and fails loudly when the line is no longer there.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import override

import pytest

from tests.rules.table import ROOT, Mutation, read_table


class BrokenLoader(importlib.machinery.SourceFileLoader):
    """Loads one module with the mutation in it, past every cache of compiled code."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    @override
    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


class BrokenFinder(importlib.abc.MetaPathFinder):
    """Finds the one module that is to be broken; all others are found as always."""

    def __init__(self, mutation: Mutation) -> None:
        self._name = mutation.module
        self._path = ROOT / mutation.file
        self._source = mutation.broken(self._path.read_text())

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = BrokenLoader(fullname, str(self._path), self._source)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=str(self._path))


def main(arguments: Sequence[str]) -> int:
    """Break the rule, then run pytest; returns what pytest returns."""
    which, *rest = arguments
    rule, way = which.split(".")
    mutation = read_table()[rule].mutations[int(way) - 1]
    assert mutation.module not in sys.modules, f"{mutation.module} is loaded already"
    sys.meta_path.insert(0, BrokenFinder(mutation))
    sys.path.insert(0, str(Path.cwd()))
    return int(pytest.main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
