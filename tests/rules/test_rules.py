"""The table of rules fits the program: `make rules` proves it, this only keeps it from growing stale."""

import re
import sys
from collections.abc import Mapping

import pytest

from tests.rules.sabotage import BrokenFinder
from tests.rules.table import ROOT, Mutation, Row, is_test_there, read_table

TABLE: Mapping[str, Row] = read_table()


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_a_row_names_is_there(row: Row) -> None:
    assert [test for test in row.tests if not is_test_there(test)] == []
    for mutation in row.mutations:
        source = (ROOT / mutation.file).read_text()
        compile(mutation.broken(source), mutation.file, "exec")


def test_each_scar_of_others_has_the_test_that_is_named_for_it() -> None:
    page = (ROOT / "tests" / "README.md").read_text()
    rows = [line for line in page[page.index("| scar | test |") :].splitlines()[2:] if line.startswith("|")]
    for row in rows:
        named = re.findall(r"`([^`]+\.py|…)(?:::(test_\w+))?`", row.split("|")[2])
        assert named, row
        for file, test in named:
            place = f"tests/{'fleet/test_regressions.py' if file == '…' else file}"
            assert is_test_there(f"{place}::{test}") if test else (ROOT / place).is_file(), f"{file} {test}"
    assert len(rows) >= SCARS


SCARS = 10
"""Rows of the page; some hold several scars of one kind."""


def test_a_rule_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no such rules"):
        read_table("[A99]\nsays = 'nothing'")


def test_an_empty_cell_is_a_hole() -> None:
    assert read_table("")["A1"].holes == ("tests", "mutation")


def test_a_line_that_is_gone_is_told() -> None:
    with pytest.raises(ValueError, match=r"rules\.toml"):
        Mutation("nothing", "gateway/nudge.py", "no such line", "").broken("another line")


def test_the_mutation_is_in_the_module_that_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = Mutation("renames the outbox", "gateway/nudge.py", 'OUTBOX_BELL = "outbox"', 'OUTBOX_BELL = "broken"')
    spec = BrokenFinder(mutation).find_spec("gateway.nudge", None)
    assert spec is not None
    assert spec.loader is not None
    module = type(sys)("gateway.nudge")
    spec.loader.exec_module(module)
    assert module.OUTBOX_BELL == "broken"
    assert BrokenFinder(mutation).find_spec("gateway.keeper", None) is None
