"""The page of documented words is what the hub really speaks, and every word it speaks is made by a test (A6).

`python -m tests.model.test_parity` prints the table anew into the room's README.
"""

import ast
from functools import cache
from pathlib import Path

from gateway.model.events import EventKind
from gateway.model.issues import Issue, Status
from gateway.model.pool import PoolIssue
from tests.model.parity import WORDS, Family, Word

TESTS = Path(__file__).parents[1]
README = TESTS.parent / "gateway" / "model" / "README.md"
BEGIN, END = "<!-- words: begin -->\n", "<!-- words: end -->"
SPOKEN = {member.value: member.name for words in (EventKind, Issue, PoolIssue, Status) for member in words}
"""Every word of the hub, with its name in the code."""


def printed() -> str:
    """The table as it stands in the README of the room."""
    lines = ["| what | word | when, or why not | made by |", "| --- | --- | --- | --- |"]
    for word in WORDS:
        made = f"`{word.test.split('::')[0]}`" if word.test else "left out"
        lines.append(f"| {word.family} | `{word.name}` | {word.told} | {made} |")
    return "\n".join(lines) + "\n"


@cache
def _parts(name: str) -> tuple[dict[str, str], str]:
    """The tests of a file by name, and the rest of it, where tables and helpers are."""
    text = (TESTS / name).read_text(encoding="utf-8")
    tests, rest = dict[str, str](), list[str]()
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if is_test and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            tests[node.name] = source + "".join(
                ast.get_source_segment(text, mark) or "" for mark in node.decorator_list
            )
        else:
            rest.append(source)
    return tests, "\n".join(rest)


def is_made(word: Word) -> bool:
    """Whether the test that is named for a word is there and speaks of it, by itself or by a table of its file."""
    name, _, function = word.test.partition("::")
    tests, rest = _parts(name)
    spoken = tests.get(function, "") + rest
    return function in tests and (word.name in spoken or f".{SPOKEN.get(word.name, word.name)}" in spoken)


def test_a6_every_word_that_is_said_to_be_spoken_has_its_test() -> None:
    assert [(word.name, word.test) for word in WORDS if word.test and not is_made(word)] == []


def test_a6_no_word_that_is_left_out_is_spoken() -> None:
    assert [word.name for word in WORDS if not word.test and word.name in SPOKEN] == []


def test_a6_every_word_with_a_test_is_one_that_the_hub_knows() -> None:
    unknown = [word.name for word in WORDS if word.test and word.name not in SPOKEN]
    assert set(unknown) <= {word.name for word in WORDS if word.family is Family.MUTATION}


def test_a6_every_word_of_the_hub_is_on_the_page() -> None:
    """Whoever adds an event, an error or a warning names its test in `parity.py`."""
    listed = {word.name for word in WORDS}
    assert set(SPOKEN) - listed == set()
    assert len(WORDS) == len({(word.family, word.name) for word in WORDS})


def test_the_readme_shows_the_words() -> None:
    text = README.read_text(encoding="utf-8")
    shown = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert shown == printed(), "write it anew: python -m tests.model.test_parity"


if __name__ == "__main__":
    page = README.read_text(encoding="utf-8")
    README.write_text(page[: page.index(BEGIN) + len(BEGIN)] + printed() + page[page.index(END) :], encoding="utf-8")
